package jws_test

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// Keys in a directory, say a mounted secret, named by the month from which on
// they sign. A second one is added while the server runs.
func ExampleFileKeys() {
	dir, err := os.MkdirTemp("", "keys")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	add := func(name string, seed byte) { // an operator calls openssl genpkey -algorithm ed25519
		key, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(append(make([]byte, 31), seed)))
		if err != nil {
			log.Fatal(err)
		}
		text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			log.Fatal(err)
		}
	}
	add("2026-08.pem", 1)

	ctx, rotation := context.Background(), jws.Rotation{}
	now := time.Date(2026, 8, 30, 12, 0, 0, 0, time.UTC) // a server asks time.Now
	source, err := jws.NewFileKeys(jws.FileKeysConfig{Path: filepath.Join(dir, "*.pem")})
	if err != nil {
		log.Fatal(err)
	}
	keys, err := jws.OpenKeySet(ctx, source, rotation, now)
	if err != nil {
		log.Fatal(err)
	}
	show := func(at time.Time) {
		if _, err := keys.Sign(ctx, jws.TypeAccessToken, []byte("{}"), at); err != nil {
			log.Fatal(err)
		}
		fmt.Println(at.Format(time.TimeOnly), keys.SigningKey(at).ID())
	}
	show(now)
	add("2026-09.pem", 2)
	show(now.Add(time.Minute))
	show(now.Add(time.Minute + rotation.Lead()))
	// Output:
	// 12:00:00 3iR-H6Xx_3rpt7eNMUVNazSZkUclb_cekBJZZL4mlUs
	// 12:01:00 3iR-H6Xx_3rpt7eNMUVNazSZkUclb_cekBJZZL4mlUs
	// 12:12:10 TrI1g9her5mzNtdwThUyqwwGfZVLKd3MMoWkRY-Fn8c
}
