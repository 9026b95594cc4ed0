import type { WorkerLoading } from '../explore/worker-pool.ts'

/** The environment variable that names the mutant of a process. */
export const MUTANT_VARIABLE = 'KAFKA_TRIAL_MUTANT'

/** What makes a worker process load the sources as a mutant has them. */
export function planting(id: string): WorkerLoading {
  return { imports: [new URL('./plant.ts', import.meta.url)], env: { [MUTANT_VARIABLE]: id } }
}
