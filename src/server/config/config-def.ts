import { type ConfigDef, type ConfigType, type DefOptions, define as defineKey } from '../../config/config-def.ts'

/** Whether a key can be changed while the broker runs: not at all, on one broker, or on all brokers alike as well. */
export type UpdateMode = 'read-only' | 'per-broker' | 'cluster-wide'

/** A broker-level configuration key. */
export interface BrokerConfigDef extends ConfigDef {
  readonly updateMode: UpdateMode
}

export interface BrokerDefOptions extends DefOptions {
  /** Default `read-only`. */
  readonly update?: UpdateMode
}

/** Defines a key; `documentation` is one sentence. */
export function define(
  key: string,
  type: ConfigType,
  defaultValue: string | number | boolean | null,
  documentation: string,
  options: BrokerDefOptions = {},
): BrokerConfigDef {
  const def = defineKey(key, type, defaultValue, documentation, options)
  return { ...def, updateMode: options.update ?? 'read-only' }
}
