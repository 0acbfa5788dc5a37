// Sends a file of events, prints where each went, then prints the vouchers that come back, one JSON object a line.
//
//   node exchange.js FILE [VOUCHERS]    VOUCHERS: how many to wait for; without it nothing is read
import { readFileSync } from 'node:fs'
import { CloudEvent, Kafka as Binding } from 'cloudevents'
import kafkajs from 'kafkajs'
import { compressFrame, decompressFrame } from 'lz4-napi'

const env = process.env
const [file, wanted = '0'] = process.argv.slice(2)
const prefix = env.NAMESPACE ? `${env.NAMESPACE}.` : ''
const within = 60_000 // milliseconds, for all vouchers

// Vouchers are compressed with LZ4, which KafkaJS has to be taught.
kafkajs.CompressionCodecs[kafkajs.CompressionTypes.LZ4] = () => ({
  compress: (encoder) => compressFrame(encoder.buffer),
  decompress: (buffer) => decompressFrame(buffer),
})

const protocol = env.KAFKA_SECURITY_PROTOCOL ?? 'PLAINTEXT'
const kafka = new kafkajs.Kafka({
  brokers: env.KAFKA_BOOTSTRAP_SERVERS.split(','),
  ssl: protocol.endsWith('SSL') && { ca: env.KAFKA_SECURITY_CA_FILE && readFileSync(env.KAFKA_SECURITY_CA_FILE) },
  sasl: protocol.startsWith('SASL') ? {
    mechanism: (env.KAFKA_SECURITY_MECHANISM ?? 'PLAIN').toLowerCase(),
    username: env.KAFKA_SECURITY_USERNAME,
    password: env.KAFKA_SECURITY_PASSWORD,
  } : undefined,
  logLevel: kafkajs.logLevel.ERROR,
})

const entries = readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line))
const producer = kafka.producer({
  createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  idempotent: env.IDEMPOTENT_PRODUCER !== 'false',
})
await producer.connect()
for (const { topic, key, event } of entries) {
  const { headers, body } = Binding.binary(new CloudEvent(event))
  const defined = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)) // KafkaJS fails on undefined
  const [at] = await producer.send({ topic: prefix + topic, messages: [{ key, value: JSON.stringify(body), headers: defined }] })
  console.error(`${at.topicName} [${at.partition}] offset ${at.baseOffset}: ${event.id}`)
}
await producer.disconnect()

if (Number(wanted) > 0) {
  const companies = new Set(entries.map(({ event }) => event.data.company))
  const consumer = kafka.consumer({ groupId: `${prefix}exchange-${Date.now()}` }) // a new group reads from the beginning
  await consumer.connect()
  await consumer.subscribe({ topic: `${prefix}intercompany.vouchers`, fromBeginning: true })
  const timeout = setTimeout(() => { throw new Error('not all vouchers came in time') }, within)
  let missing = Number(wanted)
  await new Promise((done) => consumer.run({ eachMessage: async ({ message: { key, value, headers } }) => {
    if (missing === 0 || String(headers.ce_type) !== 'intercompany.voucher.posted.v1' || !companies.has(String(key))) return
    console.log(String(value))
    if (--missing === 0) done()
  } }))
  clearTimeout(timeout)
  await consumer.disconnect()
}
