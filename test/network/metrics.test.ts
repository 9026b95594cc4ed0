import { expect, test } from 'vitest'
import { Histogram } from '../../src/network/histogram.ts'
import { IdleRatio } from '../../src/network/idle-ratio.ts'
import { Metrics, metricName } from '../../src/network/metrics.ts'
import { SampledRate } from '../../src/network/sampled-rate.ts'
import { createManualRuntime } from '../support/manual-runtime.ts'

test('names are those of JMX, tags in the order given', () => {
  expect(metricName('kafka.network', 'RequestMetrics', 'RequestsPerSec', { request: 'Fetch', version: '4' })).toBe(
    'kafka.network:type=RequestMetrics,name=RequestsPerSec,request=Fetch,version=4',
  )
})

test('a name is one metric, whoever asks; of another kind it is refused', () => {
  const metrics = new Metrics(createManualRuntime())

  metrics.meter('m').mark(3)

  expect(metrics.meter('m').count).toBe(3)
  expect(() => metrics.histogram('m')).toThrow('m is a meter')
})

test('a meter knows its mean rate and forgets slowly', async () => {
  const runtime = createManualRuntime()
  const meter = new Metrics(runtime).meter('m')
  meter.mark(100)

  await runtime.advance(10_000)
  const early = meter.oneMinuteRate
  await runtime.advance(60_000)
  const later = meter.oneMinuteRate
  await runtime.advance(86_400_000)

  expect(early).toBeGreaterThan(15)
  expect(later).toBeLessThan(early / 2)
  expect(meter.oneMinuteRate).toBeLessThan(1e-9)
  expect(meter.count).toBe(100)
})

test('percentiles are at most an eighth too high', () => {
  const histogram = new Histogram()
  for (let value = 1; value <= 1000; value++) histogram.update(value)

  for (const share of [0.01, 0.5, 0.95, 0.99, 1]) {
    const exact = share * 1000
    expect(histogram.percentile(share)).toBeGreaterThanOrEqual(exact)
    expect(histogram.percentile(share)).toBeLessThanOrEqual(exact * 1.13)
  }
  expect([histogram.count, histogram.mean, histogram.min, histogram.max]).toEqual([1000, 500.5, 1, 1000])
})

test('the wait under way counts as idle time', async () => {
  const runtime = createManualRuntime()
  const idle = new IdleRatio(runtime.clock)
  await runtime.advance(1000)
  idle.begin()

  await runtime.advance(3000)

  expect(idle.value).toBe(0.75)
})

test('a rate over samples counts a young window as almost whole and forgets old samples', () => {
  const rate = new SampledRate(11, 1000)
  rate.record(20, 0)

  expect(rate.measure(0)).toEqual({ perSecond: 2, windowMs: 10_000 })
  expect(rate.measure(11_000).perSecond).toBe(0)
  expect(rate.isIdle(11_000)).toBe(true)
})
