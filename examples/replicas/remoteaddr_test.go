//go:build linux

package main_test

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// The count of failures is per address of the client, and not of the balancer:
// Config.RemoteAddr reads the header that the balancer writes and a client cannot
// write. Each replica counts for itself.
func TestFailuresCountPerAddress(t *testing.T) {
	p := start(t)
	guesser, other := clientFrom("127.0.0.2"), clientFrom("127.0.0.3")
	guess := p.serviceRequest()
	guess.Set("client_secret", "wrong")
	guesses := 0
	for limited := map[string]bool{}; len(limited) < 2; guesses++ {
		if r := mustPostFrom(t, guesser, p.url, guess, ""); r.status == http.StatusTooManyRequests {
			limited[r.servedBy] = true
		}
		if guesses > 2000 {
			t.Fatalf("2000 failures, and 429 from %v only, want it from both replicas", limited)
		}
	}
	if guesses < 600 {
		t.Errorf("both replicas refuse after %d failures, want 300 from each, as the README says", guesses)
	}
	for range 4 {
		if r := mustPostFrom(t, guesser, p.url, guess, "192.0.2.1"); r.status != http.StatusTooManyRequests {
			t.Errorf("with an X-Real-IP of its own, the guesser gets %d from %s, want 429", r.status, r.servedBy)
		}
		if r := mustPostFrom(t, other, p.url, p.serviceRequest(), ""); r.status != http.StatusOK {
			t.Errorf("the client itself, from another address, gets %d from %s, want 200", r.status, r.servedBy)
		}
	}
}

// clientFrom is a client with an address of its own. This works because all of
// 127.0.0.0/8 is this host.
func clientFrom(ip string) *http.Client {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}}
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, addr)
		},
	}}
}

func mustPostFrom(t testing.TB, client *http.Client, base string, form url.Values, realIP string) *reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/connect/token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if realIP != "" {
		r.Header.Set("X-Real-IP", realIP)
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	got, err := read(resp)
	if err != nil {
		t.Fatal(err)
	}
	return got
}
