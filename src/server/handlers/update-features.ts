import { UpdateFeatures } from '../../protocol/apis/update-features.ts'
import { forwardedHandler } from './forwarded.ts'

export const updateFeaturesHandler = forwardedHandler(UpdateFeatures, (_body, error) => ({ ...error, results: [] }))
