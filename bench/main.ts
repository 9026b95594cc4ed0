// Speed as ratios within one run (DESIGN §10): absolute times of a shared machine mean little, ratios do.
// KafkaJS sets timers with negative delays (kafkajs#1751), of which Node warns over real TCP: `npm run bench` leaves that out.
import { cpus } from 'node:os'
import { loopbackSends, simulatedSends, steadyLoad, wireLoad } from './broker.ts'
import { type ClientFigures, loopbackClients } from './clients.ts'
import { clusterLoad } from './cluster.ts'
import { clientShare, drawnTrials, median, smallTrial } from './trials.ts'
import { pingPong, timerChain } from './world.ts'

const SENDS = 1000
const PAIRS = 5

interface Row {
  readonly what: string
  readonly figure: string
  readonly target: string
  readonly met: boolean
}

const rows: Row[] = []

function row(what: string, value: number, unit: string, bound: number, atMost: boolean): void {
  const figure = `${value >= 100 ? Math.round(value).toString() : value.toPrecision(3)} ${unit}`
  rows.push({
    what,
    figure,
    target: `${atMost ? '≤' : '≥'} ${bound} ${unit}`,
    met: atMost ? value <= bound : value >= bound,
  })
  process.stderr.write(`${what}: ${figure}\n`)
}

async function measure(): Promise<void> {
  await timerChain(100_000)
  row('a timer event', (await timerChain(1_000_000)).usPerEvent, 'µs', 0.5, true)
  await pingPong(20_000)
  row('a simulated-socket event', (await pingPong(100_000)).usPerEvent, 'µs', 2, true)

  await simulatedSends(SENDS)
  await loopbackSends(SENDS)
  const ratios: number[] = []
  for (let pair = 0; pair < PAIRS; pair++) {
    const simulated = await simulatedSends(SENDS)
    ratios.push(simulated / (await loopbackSends(SENDS)))
  }
  row(`${SENDS} sequential KafkaJS sends, simulated over loopback wall time`, median(ratios), '×', 1, true)

  await wireLoad(60_000, 100)
  const wire = await wireLoad(600_000, 100)
  row('1 broker, 100 records/s over the wire: virtual over wall time', wire.virtualMs / wire.wallMs, '×', 1000, false)
  await steadyLoad(60_000, 100)
  const loaded = await steadyLoad(300_000, 100)
  row('1 broker, 100 records/s by KafkaJS: virtual over wall time', loaded.virtualMs / loaded.wallMs, '×', 1000, false)
  const idle = await steadyLoad(3_600_000, 0)
  row('1 broker, idle: virtual over wall time', idle.virtualMs / idle.wallMs, '×', 10_000, false)

  await clusterLoad(10_000, 100)
  const cluster = await clusterLoad(60_000, 100)
  row(
    '3 brokers, 100 records/s over the wire: virtual over wall time',
    cluster.virtualMs / cluster.wallMs,
    '×',
    1000,
    false,
  )
  const quiet = await clusterLoad(600_000, 0)
  row('3 brokers, idle: virtual over wall time', quiet.virtualMs / quiet.wallMs, '×', 10_000, false)

  for (const brokers of [1, 3] as const) {
    for (const client of ['platformatic', 'kafkajs'] as const) {
      const what = `small trial (${brokers} ${brokers === 1 ? 'broker' : 'brokers'}, 50 records, 3 faults), ${client}`
      row(what, await smallTrial(client, brokers, 40), 'ms', 50, true)
    }
  }
  const drawn = await drawnTrials(200)
  row('trial drawn by explore, median', drawn.medianMs, 'ms', 50, true)
}

/** Records of the clients' part: sent and read in bulk, and sent one by one. */
const BULK = 50_000
const SINGLES = 500
const ROUNDS = 3

function printClients(figures: readonly ClientFigures[], shares: ReadonlyMap<string, number>): void {
  console.log('\nclients against `serve` over loopback, records of 100 bytes, acks=all, best of three rounds\n')
  console.log('client          sent/s    p99 of one send    read/s    share of a small trial')
  for (const { client, sentPerSecond, sendP99Ms, readPerSecond } of figures) {
    const share = shares.get(client)
    console.log(
      [
        client.padEnd(12),
        Math.round(sentPerSecond).toString().padStart(9),
        `${sendP99Ms.toFixed(2)} ms`.padStart(18),
        Math.round(readPerSecond).toString().padStart(9),
        `${share === undefined ? '' : `${Math.round(share * 100)} %`}`.padStart(25),
      ].join(' '),
    )
  }
}

await measure()
const shares = new Map<string, number>()
for (const [name, client] of [
  ['own', 'java-semantics'],
  ['KafkaJS', 'kafkajs'],
  ['platformatic', 'platformatic'],
] as const) {
  shares.set(name, await clientShare(client, 20))
}
const clients = await loopbackClients(BULK, SINGLES, ROUNDS)
const width = Math.max(...rows.map(({ what }) => what.length))
console.log(
  `\n${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.version}, ${process.platform} ${process.arch}\n`,
)
for (const { what, figure, target, met } of rows) {
  console.log(`${what.padEnd(width)}  ${figure.padStart(10)}  target ${target.padEnd(10)} ${met ? 'met' : 'MISSED'}`)
}
printClients(clients, shares)
