package weburl_test

import (
	"testing"

	"github.com/contit/oauth/tokenendpoint/internal/weburl"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]bool{
		"https://a.test":               true,
		"https://a.test/b?c=d":         true,
		"https://a.test:1":             true,
		"https://a.test:65535/":        true,
		"http://[::1]:8080":            true,
		"https://a.test:":              false,
		"https://a.test:/":             false,
		"https://[::1]:":               false,
		"https://a.test:0":             false,
		"https://a.test:65536":         false,
		"https://a.test:99999999999/b": false,
		"https://:443":                 false,
		"https://":                     false,
		"https:///a":                   false,
		"https://me@a.test":            false,
		"https://@a.test":              false,
		"https://a.test#":              false,
		"https://a.test/b c":           false,
		"https://a.test/\xff":          false,
		"/a":                           false,
		"a.test":                       false,
		"":                             false,
	} {
		if _, ok := weburl.Parse(text); ok != want {
			t.Errorf("%q: got %t, want %t", text, ok, want)
		}
	}
}

func TestSchemeFault(t *testing.T) {
	for text, want := range map[string]string{
		"https://a.test":          "",
		"http://localhost:1":      "",
		"http://127.1.2.3":        "",
		"http://[::1]":            "",
		"http://a.test":           "is http: only a loopback address may be",
		"http://127.0.0.1.a.test": "is http: only a loopback address may be",
		"ftp://localhost":         "is not an https URL",
	} {
		u, ok := weburl.Parse(text)
		if !ok {
			t.Errorf("%q: cannot be parsed", text)
		} else if got := weburl.SchemeFault(u); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
