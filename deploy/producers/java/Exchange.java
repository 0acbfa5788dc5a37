// Sends a file of events, prints where each went, then prints the vouchers that come back, one JSON object a line.
//
//   java -cp 'target/dependency/*' Exchange.java FILE [VOUCHERS]    VOUCHERS: how many to wait for; without it nothing is read
import com.fasterxml.jackson.databind.ObjectMapper;
import io.cloudevents.CloudEvent;
import io.cloudevents.jackson.JsonFormat;
import io.cloudevents.kafka.CloudEventDeserializer;
import io.cloudevents.kafka.CloudEventSerializer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

class Exchange {
    static final Duration WITHIN = Duration.ofSeconds(60); // for all vouchers
    static final String PREFIX = env("NAMESPACE", "").isEmpty() ? "" : env("NAMESPACE", "") + ".";

    static String env(String name, String otherwise) {
        return System.getenv().getOrDefault(name, otherwise);
    }

    static Map<String, Object> connection() {
        var protocol = env("KAFKA_SECURITY_PROTOCOL", "PLAINTEXT");
        var settings = new HashMap<String, Object>(Map.of("bootstrap.servers", env("KAFKA_BOOTSTRAP_SERVERS", ""), "security.protocol", protocol));
        if (protocol.endsWith("SSL") && !env("KAFKA_SECURITY_CA_FILE", "").isEmpty())
            settings.putAll(Map.of("ssl.truststore.type", "PEM", "ssl.truststore.location", env("KAFKA_SECURITY_CA_FILE", "")));
        if (protocol.startsWith("SASL")) {
            var mechanism = env("KAFKA_SECURITY_MECHANISM", "PLAIN");
            var module = mechanism.equals("PLAIN") ? "plain.PlainLoginModule" : "scram.ScramLoginModule";
            settings.put("sasl.mechanism", mechanism);
            settings.put("sasl.jaas.config", "org.apache.kafka.common.security.%s required username=\"%s\" password=\"%s\";".formatted(
                module, env("KAFKA_SECURITY_USERNAME", ""), env("KAFKA_SECURITY_PASSWORD", "")));
        }
        return settings;
    }

    /** CloudEvents in the binary form, which is the serializer's default. The result: the companies whose events were sent. */
    static Set<String> send(Path file) throws Exception {
        var settings = connection();
        settings.put("enable.idempotence", env("IDEMPOTENT_PRODUCER", "true"));
        var companies = new HashSet<String>();
        try (var producer = new KafkaProducer<String, CloudEvent>(settings, new StringSerializer(), new CloudEventSerializer())) {
            for (var line : Files.readAllLines(file)) {
                var entry = new ObjectMapper().readTree(line);
                var event = new JsonFormat().deserialize(entry.get("event").toString().getBytes(StandardCharsets.UTF_8));
                companies.add(entry.at("/event/data/company").asText());
                var at = producer.send(new ProducerRecord<>(PREFIX + entry.get("topic").asText(), entry.get("key").asText(), event)).get();
                System.err.printf("%s [%d] offset %d: %s%n", at.topic(), at.partition(), at.offset(), event.getId());
            }
        }
        return companies;
    }

    /** The first vouchers of the companies; a voucher's key is its company. */
    static void receive(Set<String> companies, int wanted) {
        try (var consumer = new KafkaConsumer<String, CloudEvent>(connection(), new StringDeserializer(), new CloudEventDeserializer())) {
            var partitions = consumer.partitionsFor(PREFIX + "intercompany.vouchers").stream().map(each -> new TopicPartition(each.topic(), each.partition())).toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            for (var until = Instant.now().plus(WITHIN); wanted > 0; ) {
                if (Instant.now().isAfter(until)) throw new IllegalStateException(wanted + " vouchers did not come in time");
                for (var record : consumer.poll(Duration.ofSeconds(1)))
                    if (record.value().getType().equals("intercompany.voucher.posted.v1") && companies.contains(record.key()) && wanted-- > 0)
                        System.out.println(new String(record.value().getData().toBytes(), StandardCharsets.UTF_8));
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        receive(send(Path.of(arguments[0])), arguments.length > 1 ? Integer.parseInt(arguments[1]) : 0);
    }
}
