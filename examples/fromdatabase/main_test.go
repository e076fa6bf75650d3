package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// A stop lets requests finish, and leaves nothing behind.
func TestStop(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	came, finish := make(chan struct{}), make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- serve(ctx, map[net.Listener]http.Handler{listener: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			close(came)
			<-finish
			io.WriteString(w, "done")
		})})
	}()
	body := make(chan string, 1)
	go func() {
		response, err := http.Get("http://" + listener.Addr().String())
		if err != nil {
			body <- err.Error()
			return
		}
		defer response.Body.Close()
		b, _ := io.ReadAll(response.Body)
		body <- string(b)
	}()
	<-came
	stop()
	for { // until the stop has begun, and the server takes nobody new
		connection, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			break
		}
		connection.Close()
	}
	close(finish)
	if got := <-body; got != "done" {
		t.Errorf("the request that was under way got %q, want its answer", got)
	}
	if err := <-ended; err != nil {
		t.Errorf("the end: got error %v, want none", err)
	}
}

// The program starts, says where it is, ends without an error, and drops its tables. A
// listener that it cannot have is an error.
func TestProgram(t *testing.T) {
	useDatabase(t)
	ctx, stop := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"-demo", "-addr", "127.0.0.1:0", "-metrics", "127.0.0.1:0"}, writer)
		writer.Close()
	}()
	lines := bufio.NewScanner(reader)
	lines.Scan()
	address := strings.Fields(lines.Text())[1]
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "ready") {
	}
	response, err := http.PostForm(address, url.Values{"grant_type": {"api_key"}, "api_key": {laptop}})
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != 200 {
		t.Errorf("POST %s: got %d, want 200", address, response.StatusCode)
	}
	taken := strings.Split(address, "/")[2]
	var failed *net.OpError
	if err := run(t.Context(), []string{"-demo", "-addr", "127.0.0.1:0", "-metrics", taken}, io.Discard); !errors.As(err, &failed) {
		t.Errorf("with an address that is taken: got error %v, want that of the listener", err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("the end: got error %v, want none", err)
	}
}

// A start that fails ends with the reason, and does not wait for the pool.
func TestStartFails(t *testing.T) {
	for name, test := range map[string]struct {
		variable, value, want string
	}{
		"no database":           {"DATABASE_URL", "postgres://127.0.0.1:1/none", "connect"},
		"a key of another size": {"KEY_ENCRYPTION_KEY", "c2hvcnQ=", "32 bytes"},
		"a database in no form": {"DATABASE_URL", "postgres://%zz", "parse"},
	} {
		t.Run(name, func(t *testing.T) {
			useDatabase(t)
			t.Setenv(test.variable, test.value)
			if err := run(t.Context(), []string{"-demo", "-addr", "127.0.0.1:0"}, io.Discard); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want one with %q", err, test.want)
			}
		})
	}
}
