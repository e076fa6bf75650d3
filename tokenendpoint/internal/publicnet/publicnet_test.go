package publicnet

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

func TestIsPublic(t *testing.T) {
	for text, want := range map[string]bool{
		"1.1.1.1": true, "8.8.8.8": true, "2606:4700:4700::1111": true, "::ffff:1.1.1.1": true, "99.255.255.255": true, "223.255.255.254": true,
		"127.0.0.1": false, "127.1.2.3": false, "0.0.0.0": false, "10.1.2.3": false, "172.16.0.1": false, "172.31.255.255": false, "192.168.1.1": false,
		"169.254.169.254": false, "100.64.0.1": false, "100.127.255.255": false, "224.0.0.1": false, "239.1.1.1": false, "240.0.0.1": false,
		"255.255.255.255": false, "198.18.0.1": false, "192.0.2.1": false,
		"::1": false, "::": false, "fe80::1": false, "fc00::1": false, "fd00:ec2::254": false, "ff02::1": false, "64:ff9b::7f00:1": false, "::ffff:127.0.0.1": false,
		"::127.0.0.1": false, "2002:7f00:1::1": false, "2001::1": false, "2001:db8::1": false, "100::1": false, "5f00::1": false,
	} {
		if got := IsPublic(netip.MustParseAddr(text)); got != want {
			t.Errorf("IsPublic(%s) = %v, want %v", text, got, want)
		}
	}
	if IsPublic(netip.Addr{}) || IsPublic(netip.MustParseAddr("2606:4700::1%eth0")) {
		t.Error("an invalid address, or one with a zone, is public")
	}
}

func TestHost(t *testing.T) {
	for text, want := range map[string]string{
		"https://a.example.com/x": "a.example.com", "https://A.Example.COM:8443/": "a.example.com", "https://a.example.com.": "a.example.com",
		"https://8.8.8.8/": "8.8.8.8", "https://[2606:4700:4700:0::1111]/": "2606:4700:4700::1111", "https://[::FFFF:8.8.8.8]/": "8.8.8.8",
	} {
		u, err := url.Parse(text)
		if err != nil || Host(u) != want {
			t.Errorf("Host(%s) = %s, want %s", text, Host(u), want)
		}
	}
}

// The address is refused where it is dialled, however it is spelled or found, and no
// byte is sent.
func TestT03(t *testing.T) {
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ConnState = func(net.Conn, http.ConnState) { connections.Add(1) }
	server.Start()
	defer server.Close()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "127.1", "2130706433"} {
		response, err := Client().Get("http://" + net.JoinHostPort(strings.Trim(host, "[]"), u.Port()))
		if err == nil {
			response.Body.Close()
			t.Errorf("%s: got %s, want no connection", host, response.Status)
		}
	}
	if got := connections.Load(); got != 0 {
		t.Errorf("%d connections were made", got)
	}
	var notPublic errNotPublic
	if _, err := Client().Get(server.URL); !errors.As(err, &notPublic) {
		t.Errorf("got %v, want the address in the error", err)
	}

	allowed := Client(netip.MustParsePrefix("127.0.0.0/8"))
	response, err := allowed.Get(server.URL)
	if err != nil {
		t.Fatalf("an address that is allowed: %v", err)
	}
	response.Body.Close()
}

// A name that a resolver answers with a private address is refused (DNS rebinding).
func TestT03Rebinding(t *testing.T) {
	resolver := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return answering(t, [4]byte{127, 0, 0, 1}), nil
	}}
	_, err := client(resolver, nil).Get("http://rebind.test/")
	var notPublic errNotPublic
	if !errors.As(err, &notPublic) || notPublic.address != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("got %v, want the address refused", err)
	}
}

// answering is a connection to a name server that answers every query of one record
// with this address.
func answering(t *testing.T, address [4]byte) net.Conn {
	near, far := net.Pipe()
	go func() {
		defer far.Close()
		buf := make([]byte, 1024)
		for {
			n, err := far.Read(buf)
			if err != nil || n < 14 {
				return
			}
			query := buf[2:n] // two bytes of length come first: it is no datagram
			end := 12
			for query[end] != 0 {
				end += int(query[end]) + 1
			}
			question := query[12 : end+5]
			answer := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, question...)
			if question[len(question)-3] == 1 { // a record of type A
				answer[7] = 1
				answer = append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4)
				answer = append(answer, address[:]...)
			}
			if _, err := far.Write(append([]byte{byte(len(answer) >> 8), byte(len(answer))}, answer...)); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { near.Close() })
	return near
}
