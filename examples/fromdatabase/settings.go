package main

import (
	"flag"
	"net/netip"
	"os"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
)

// settings come from the command line, and the secrets from the environment.
type settings struct {
	addr, metrics string
	url           string // where users and clients reach the site, such as https://notes.example.com
	proxies       []netip.Prefix
	demo          bool
	database      *pgxpool.Config
	// keyEncryptionKey seals the signing keys in the database: 32 bytes in base64.
	keyEncryptionKey string
}

func readSettings(args []string) (*settings, error) {
	s := &settings{keyEncryptionKey: os.Getenv("KEY_ENCRYPTION_KEY")}
	flags := flag.NewFlagSet("fromdatabase", flag.ContinueOnError)
	flags.StringVar(&s.addr, "addr", "127.0.0.1:8086", "the `address` to listen on")
	flags.StringVar(&s.metrics, "metrics", "", "the `address` of /metrics (default: none)")
	flags.StringVar(&s.url, "url", "", "the `URL` of the site (default: that of -addr)")
	flags.BoolVar(&s.demo, "demo", false, "make tables with users and apps, and drop them at the end")
	flags.Func("proxies", "the `prefixes` of the proxies in front, with commas between", func(list string) error {
		for text := range strings.SplitSeq(list, ",") {
			prefix, err := netip.ParsePrefix(text)
			if err != nil {
				return err
			}
			s.proxies = append(s.proxies, prefix)
		}
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	var err error
	s.database, err = pgxpool.ParseConfig(os.Getenv("DATABASE_URL"))
	if err != nil {
		return nil, err
	}
	s.database.MaxConns = connections
	return s, nil
}
