// Sends a file of events, prints where each went, then prints the vouchers that come back, one JSON object a line.
//
//	exchange FILE [VOUCHERS]    VOUCHERS: how many to wait for; without it nothing is read
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const within = 60 * time.Second // for all vouchers

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

// CloudEvents in the structured form: the value is the whole event. The result: the companies whose events were sent.
func send(client *kgo.Client, prefix string, file []byte) map[string]bool {
	companies := map[string]bool{}
	for line := range bytes.Lines(file) {
		var entry struct {
			Topic, Key string
			Event      json.RawMessage
		}
		var event struct {
			ID   string
			Data struct{ Company string }
		}
		must(0, json.Unmarshal(line, &entry))
		must(0, json.Unmarshal(entry.Event, &event))
		companies[event.Data.Company] = true
		headers := []kgo.RecordHeader{{Key: "content-type", Value: []byte("application/cloudevents+json")}}
		record := &kgo.Record{Topic: prefix + entry.Topic, Key: []byte(entry.Key), Value: entry.Event, Headers: headers}
		at := must(client.ProduceSync(context.Background(), record).First())
		fmt.Fprintf(os.Stderr, "%s [%d] offset %d: %s\n", at.Topic, at.Partition, at.Offset, event.ID)
	}
	return companies
}

// The first vouchers of the companies; a voucher's key is its company.
func receive(client *kgo.Client, companies map[string]bool, wanted int) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	for wanted > 0 {
		fetches := client.PollFetches(ctx)
		must(0, fetches.Err())
		for _, record := range fetches.Records() {
			for _, header := range record.Headers {
				isVoucher := header.Key == "ce_type" && string(header.Value) == "intercompany.voucher.posted.v1"
				if isVoucher && wanted > 0 && companies[string(record.Key)] {
					fmt.Println(string(record.Value))
					wanted--
				}
			}
		}
	}
}

func main() {
	prefix, wanted := "", 0
	if namespace := os.Getenv("NAMESPACE"); namespace != "" {
		prefix = namespace + "."
	}
	if len(os.Args) > 2 {
		wanted = must(strconv.Atoi(os.Args[2]))
	}
	client := must(kgo.NewClient(append(connection(), kgo.ConsumeTopics(prefix+"intercompany.vouchers"))...))
	defer client.Close()
	receive(client, send(client, prefix, must(os.ReadFile(os.Args[1]))), wanted)
}
