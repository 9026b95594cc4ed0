import type { LogCleaner } from '../log/cleaner/log-cleaner.ts'
import { type Metrics, metricName } from '../network/metrics.ts'

const GROUP = 'kafka.log'

/** Registers what Kafka's LogCleaner and LogCleanerManager tell of themselves. */
export function registerLogCleanerMetrics(
  metrics: Metrics,
  cleaner: LogCleaner,
  /** `log.dirs` */
  logDirs: readonly string[],
): void {
  const { manager } = cleaner
  const gauge = (type: string, name: string, value: () => number, tags: Readonly<Record<string, string>> = {}) => {
    metrics.gauge(metricName(GROUP, type, name, tags), value)
  }
  gauge('LogCleaner', 'max-buffer-utilization-percent', () => Math.floor(cleaner.maxBufferUtilization * 100))
  gauge('LogCleaner', 'cleaner-recopy-percent', () => Math.floor(cleaner.recopyRatio * 100))
  gauge('LogCleaner', 'max-clean-time-secs', () => Math.floor(cleaner.maxCleanTimeMs / 1000))
  gauge('LogCleaner', 'max-compaction-delay-secs', () => Math.floor(cleaner.maxCompactionDelayMs / 1000))
  gauge('LogCleanerManager', 'max-dirty-percent', () => Math.floor(manager.dirtiestLogCleanableRatio * 100))
  gauge('LogCleanerManager', 'time-since-last-run-ms', () => Math.floor(manager.timeSinceLastRunMs))
  for (const logDirectory of logDirs) {
    const uncleanable = () => manager.uncleanablePartitions.filter(log => log.parentDir === logDirectory)
    gauge('LogCleanerManager', 'uncleanable-partitions-count', () => uncleanable().length, { logDirectory })
    gauge('LogCleanerManager', 'uncleanable-bytes', () => manager.cleanableBytesOf(uncleanable()), { logDirectory })
  }
}
