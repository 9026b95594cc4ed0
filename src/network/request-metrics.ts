import { errorName } from '../protocol/errors.ts'
import type { Histogram } from './histogram.ts'
import { type Meter, type Metrics, metricName } from './metrics.ts'
import type { Request } from './request.ts'

const GROUP = 'kafka.network'
const TYPE = 'RequestMetrics'

/** Kafka's time break-down and counters of one kind of request. Times are milliseconds. */
export class RequestMetrics {
  readonly #metrics: Metrics
  readonly #name: string
  readonly #requestQueueTime: Histogram
  readonly #localTime: Histogram
  readonly #remoteTime: Histogram
  readonly #throttleTime: Histogram
  readonly #responseQueueTime: Histogram
  readonly #responseSendTime: Histogram
  readonly #totalTime: Histogram
  readonly #requestBytes: Histogram
  readonly #requestsPerSec = new Map<number, Meter>()
  readonly #errorsPerSec = new Map<number, Meter>()

  /** @param name the API's name, or `FetchConsumer`, `FetchFollower` */
  constructor(metrics: Metrics, name: string) {
    this.#metrics = metrics
    this.#name = name
    this.#requestQueueTime = this.#histogram('RequestQueueTimeMs')
    this.#localTime = this.#histogram('LocalTimeMs')
    this.#remoteTime = this.#histogram('RemoteTimeMs')
    this.#throttleTime = this.#histogram('ThrottleTimeMs')
    this.#responseQueueTime = this.#histogram('ResponseQueueTimeMs')
    this.#responseSendTime = this.#histogram('ResponseSendTimeMs')
    this.#totalTime = this.#histogram('TotalTimeMs')
    this.#requestBytes = this.#histogram('RequestBytes')
  }

  /** A request is over: its response was sent, or there is none. */
  update(request: Request, endTimeMs: number): void {
    const dequeued = orElse(request.requestDequeueTimeMs, request.startTimeMs)
    const localDone = orElse(request.apiLocalCompleteTimeMs, dequeued)
    const responseReady = orElse(request.responseCompleteTimeMs, localDone)
    const responseTaken = orElse(request.responseDequeueTimeMs, responseReady)
    this.#requestQueueTime.update(dequeued - request.startTimeMs)
    this.#localTime.update(localDone - dequeued)
    this.#remoteTime.update(responseReady - localDone)
    this.#throttleTime.update(request.apiThrottleTimeMs)
    this.#responseQueueTime.update(responseTaken - responseReady)
    this.#responseSendTime.update(endTimeMs - responseTaken)
    this.#totalTime.update(endTimeMs - request.startTimeMs)
    this.#requestBytes.update(request.sizeInBytes)
    this.#requests(request.header.apiVersion).mark()
  }

  /** An answer carried `errorCode` `count` times (0 is counted too, as in Kafka). */
  markErrors(errorCode: number, count: number): void {
    let meter = this.#errorsPerSec.get(errorCode)
    if (meter === undefined) {
      const tags = { request: this.#name, error: errorName(errorCode) }
      meter = this.#metrics.meter(metricName(GROUP, TYPE, 'ErrorsPerSec', tags))
      this.#errorsPerSec.set(errorCode, meter)
    }
    meter.mark(count)
  }

  #requests(version: number): Meter {
    let meter = this.#requestsPerSec.get(version)
    if (meter === undefined) {
      meter = this.#metrics.meter(
        metricName(GROUP, TYPE, 'RequestsPerSec', { request: this.#name, version: `${version}` }),
      )
      this.#requestsPerSec.set(version, meter)
    }
    return meter
  }

  #histogram(name: string): Histogram {
    return this.#metrics.histogram(metricName(GROUP, TYPE, name, { request: this.#name }))
  }
}

function orElse(timeMs: number, fallbackMs: number): number {
  return timeMs < 0 ? fallbackMs : timeMs
}
