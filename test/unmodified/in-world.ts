import type { SimulatedProcess } from '../../harness/world/process.ts'
import { World, type WorldOptions } from '../../harness/world/world.ts'

/** Runs a body as the only application of a fresh world, and gives its result. */
export function inWorld<T>(
  body: (world: World, app: SimulatedProcess) => Promise<T>,
  options: Partial<WorldOptions> = {},
): Promise<T> {
  const world = new World({ seed: 'unmodified', ...options })
  return world.run(() => {
    const app = world.host('app').process()
    return app.run(() => body(world, app))
  })
}
