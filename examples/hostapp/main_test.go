package main

import (
	"bufio"
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// start runs the program. It returns the first lines that the program prints, and a
// function that ends it.
func start(t *testing.T, args ...string) (lines map[string]string, end func()) {
	t.Helper()
	ctx, interrupt := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, args, writer)
		writer.Close()
	}()
	lines = make(map[string]string)
	scanner := bufio.NewScanner(reader)
	for scanner.Scan() {
		name, value, _ := strings.Cut(scanner.Text(), "  ")
		lines[name] = strings.TrimSpace(value)
		if name == "ready" {
			break
		}
	}
	go io.Copy(io.Discard, reader)
	return lines, func() {
		t.Helper()
		interrupt()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the end of the program: got error %v, want none", err)
			}
		case <-time.After(time.Minute):
			t.Fatal("the program did not end")
		}
	}
}

func TestProgram(t *testing.T) {
	file := filepath.Join(t.TempDir(), "shop.db")
	lines, end := start(t, "-addr", "127.0.0.1:0", "-db", file)
	if !strings.HasPrefix(lines["user"], demoEmail) || !strings.HasPrefix(lines["partner"], partnerClient+" / cs_") {
		t.Errorf("a fresh database: got %q, want the demo user and client", lines)
	}
	b := newBrowser(t, lines["shop"])
	if page := b.get(lines["app's login"]); page.forms["login"] == nil || page.forms["login"].values.Get("next") == "/" {
		t.Errorf("the printed link: got %d at %s, want the login page that leads back", page.status, page.url)
	}
	b.client.CloseIdleConnections()
	end()

	lines, end = start(t, "-addr", "127.0.0.1:0", "-db", file)
	if lines["shop"] == "" || lines["user"] != "" {
		t.Errorf("a database that was seeded before: got %q, want the address and no secrets", lines)
	}
	end()

	lines, end = start(t, "-addr", "127.0.0.1:0")
	if lines["user"] == "" {
		t.Errorf("no -db: got %q, want a fresh database", lines)
	}
	end()
}

func TestProgramRefusesHTTPOffLoopback(t *testing.T) {
	err := run(t.Context(), []string{"-addr", "0.0.0.0:0"}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "Issuer is http") {
		t.Errorf("an address that others reach: got error %v, want one about the http issuer", err)
	}
}
