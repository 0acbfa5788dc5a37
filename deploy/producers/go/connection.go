package main

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// What the environment says of the broker and of who we are there.
func connection() []kgo.Opt {
	options := []kgo.Opt{kgo.SeedBrokers(strings.Split(os.Getenv("KAFKA_BOOTSTRAP_SERVERS"), ",")...)}
	if strings.HasSuffix(os.Getenv("KAFKA_SECURITY_PROTOCOL"), "SSL") {
		authorities := must(x509.SystemCertPool())
		if file := os.Getenv("KAFKA_SECURITY_CA_FILE"); file != "" {
			authorities = x509.NewCertPool()
			authorities.AppendCertsFromPEM(must(os.ReadFile(file)))
		}
		options = append(options, kgo.DialTLSConfig(&tls.Config{RootCAs: authorities}))
	}
	if strings.HasPrefix(os.Getenv("KAFKA_SECURITY_PROTOCOL"), "SASL") {
		user, password := os.Getenv("KAFKA_SECURITY_USERNAME"), os.Getenv("KAFKA_SECURITY_PASSWORD")
		switch os.Getenv("KAFKA_SECURITY_MECHANISM") {
		case "SCRAM-SHA-512":
			options = append(options, kgo.SASL(scram.Auth{User: user, Pass: password}.AsSha512Mechanism()))
		case "SCRAM-SHA-256":
			options = append(options, kgo.SASL(scram.Auth{User: user, Pass: password}.AsSha256Mechanism()))
		default:
			options = append(options, kgo.SASL(plain.Auth{User: user, Pass: password}.AsMechanism()))
		}
	}
	if os.Getenv("IDEMPOTENT_PRODUCER") == "false" { // the embedded broker: it answers older requests only
		options = append(options, kgo.DisableIdempotentWrite(), kgo.MaxVersions(kversion.V2_8_0()))
	}
	return options
}
