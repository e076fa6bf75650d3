package tokenendpoint_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
)

// strangers are requests of a caller that is no client. Each of them gives one
// of the readers in front of the authentication as much work as the reader
// accepts.
var strangers = []struct {
	name        string
	contentType string
	header      string // the credentials of an Authorization
	query       string
	body        func() string
}{
	{name: "scope of one-letter tokens", body: func() string { return clientless + "&scope=" + scopeOf(2048, 1) }},
	{name: "scope of two-letter tokens", body: func() string { return clientless + "&scope=" + scopeOf(1364, 2) }},
	{name: "scope of ten-letter tokens", body: func() string { return clientless + "&scope=" + scopeOf(372, 10) }},
	{name: "nothing but separators", body: func() string { return strings.Repeat("&", 64<<10) }},
	{name: "a hundred long values", body: func() string { return parameters(100, "x", strings.Repeat("v", 600)) }},
	{name: "a hundred long names", body: func() string { return parameters(100, strings.Repeat("n", 600), "v") }},
	{name: "a hundred parameters, each twice", body: func() string { return parameters(50, "x", "") + parameters(50, "x", "v") }},
	{name: "a hundred resources", body: func() string { return strings.Repeat("resource=https://"+strings.Repeat("r", 620)+"&", 100) }},
	{name: "nothing but escapes", body: func() string { return "x=" + strings.Repeat("%41", 21<<10) }},
	{name: "one long value", body: func() string { return "x=" + strings.Repeat("v", 60<<10) }},
	{name: "known values as long as they may be", body: func() string {
		return "client_assertion=" + strings.Repeat("a", 16<<10) + "&assertion=" + strings.Repeat("a", 16<<10) + "&subject_token=" + strings.Repeat("a", 16<<10)
	}},
	{name: "JSON of escapes", contentType: "application/json", body: func() string { return `{"x":"` + strings.Repeat(`\u0041`, 10<<10) + `"}` }},
	{name: "JSON of surrogates", contentType: "application/json", body: func() string { return `{"x":"` + strings.Repeat(`\ud83d\ude00`, 5<<10) + `"}` }},
	{name: "JSON of white space", contentType: "application/json", body: func() string { return strings.Repeat(" ", 60<<10) + "{}" }},
	{name: "JSON of white space between", contentType: "application/json", body: func() string { return `{"x":[` + strings.Repeat("1 , ", 15<<10) + "1]}" }},
	{name: "JSON of brackets", contentType: "application/json", body: func() string { return `{"x":[` + strings.Repeat("[],", 20<<10) + "[]]}" }},
	{name: "JSON too deep", contentType: "application/json", body: func() string { return `{"x":` + strings.Repeat("[", 60<<10) }},
	{name: "JSON of digits", contentType: "application/json", body: func() string { return `{"x":` + strings.Repeat("1", 60<<10) + "}" }},
	{name: "JSON of a hundred names", contentType: "application/json", body: func() string {
		var b strings.Builder
		for i := range 100 {
			fmt.Fprintf(&b, `,"%s%d":null`, strings.Repeat("n", 600), i)
		}
		return "{" + b.String()[1:] + "}"
	}},
	{name: "JSON of resources", contentType: "application/json", body: func() string {
		return `{"resource":["` + strings.Repeat(`https://r","`, 99) + `"]}`
	}},
	{name: "Content-Type of parameters", contentType: "application/json" + strings.Repeat("; a=b", 10<<10), body: func() string { return "{}" }},
	{name: "Content-Type of different parameters", contentType: "application/json" + contentParameters(8<<10), body: func() string { return "{}" }},
	{name: "Content-Type of continuations", contentType: "application/json" + continuations(4<<10), body: func() string { return "{}" }},
	{name: "Content-Type in quotes", contentType: `application/json; charset="` + strings.Repeat(`\u`, 30<<10) + `"`, body: func() string { return "{}" }},
	{name: "query of parameters", query: strings.Repeat("a=&", 21<<10), body: func() string { return "" }},
	{name: "query of escapes", query: strings.Repeat("%41=&", 13<<10), body: func() string { return "" }},
	{name: "query of parameters as long as it may be", query: strings.Repeat("a=&", 8<<10/3), body: func() string { return "" }},
	{name: "query of escapes as long as it may be", query: strings.Repeat("%41&", 2<<10), body: func() string { return "" }},
	{name: "query of separators as long as it may be", query: strings.Repeat("&;", 4<<10), body: func() string { return "" }},
	{name: "query of separators", query: strings.Repeat("&;", 32<<10), body: func() string { return "" }},
	{name: "Basic", header: base64.StdEncoding.EncodeToString([]byte(strings.Repeat("%41", 16<<10) + ":x")), body: func() string { return "grant_type=client_credentials" }},
	{name: "Basic as long as it may be", header: base64.StdEncoding.EncodeToString([]byte(strings.Repeat("%41", 4<<10) + ":" + strings.Repeat("%41", 4<<10))), body: func() string { return clientless }},
	{name: "Basic without a colon", header: strings.Repeat("QUFB", 16<<10), body: func() string { return "grant_type=client_credentials" }},
}

const clientless = "grant_type=client_credentials"

func contentParameters(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ";a%d=b", i)
	}
	return b.String()
}

func continuations(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ";a*%d*=b", i)
	}
	return b.String()
}

// scopeOf is a scope of different tokens, or as many as there are.
func scopeOf(n, length int) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	tokens := make([]string, n)
	for i := range tokens {
		token := []byte(strings.Repeat("a", length))
		for j, rest := length-1, i; j >= 0 && rest > 0; j, rest = j-1, rest/len(letters) {
			token[j] = letters[rest%len(letters)]
		}
		tokens[i] = string(token)
	}
	return strings.Join(tokens, "+")
}

func parameters(n int, name, value string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%s%d=%s&", name, i, value)
	}
	return b.String()
}

// BenchmarkStrangers is the price of requests that nobody has authenticated, next
// to that of a plain request with its signature.
func BenchmarkStrangers(b *testing.B) {
	bed := newBed(b, benchKeys()[0])
	plain := bed.requests(b, grants.TypeClientCredentials, 1)()
	for _, s := range strangers {
		b.Run(s.name, func(b *testing.B) {
			body := s.body()
			n := len(body) + len(s.contentType) + len(s.header) + len(s.query)
			b.SetBytes(int64(n))
			b.ReportAllocs()
			var strange, usual time.Duration
			for range b.N {
				strange += bed.stranger(b, s.contentType, s.header, s.query, body)
				usual += bed.stranger(b, "", "", "", plain)
			}
			b.ReportMetric(float64(strange)/float64(usual), "x-plain")
			b.ReportMetric(float64(strange)/float64(b.N*n), "ns/B")
		})
	}
}

// stranger measures the time of a request and accepts every answer.
func (bed *bed) stranger(b testing.TB, contentType, authorization, query, text string) time.Duration {
	b.Helper()
	r := bed.request.Clone(b.Context())
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if authorization != "" {
		r.Header.Set("Authorization", "Basic "+authorization)
	}
	r.URL.RawQuery = query
	r.ContentLength = int64(len(text))
	bed.body.Reset(text)
	r.Body = body{&bed.body}
	clear(bed.answer.header)
	start := time.Now()
	bed.endpoint.ServeHTTP(&bed.answer, r)
	return time.Since(start)
}
