// Command hsm is a token endpoint whose signing key is in an HSM. It signs
// through PKCS #11; the private key never enters the process.
//
//	HSM_PIN=… go run ./examples/hsm -module /usr/lib/softhsm/libsofthsm2.so -token oauth -create
//
// It prints the addresses that it serves, and curl lines that work as they stand.
// The README beside this file says how to make a token to try it with.
//
// A host takes key.go from here: the key as a crypto.Signer. In server.go it makes
// no difference that the key is in an HSM.
package main

import (
	"context"
	"crypto"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// pinVariable holds the PIN, unless a file does.
const pinVariable = "HSM_PIN"

// keyConfig says which key signs, and where it is.
type keyConfig struct {
	module    string         // the PKCS #11 library of the HSM
	token     string         // the label of the token
	pin       storage.Secret // of the token's user
	label     string         // of the key pair
	algorithm string
	create    bool          // make the key pair if there is none
	sessions  int           // that sign at once
	wait      time.Duration // for a session while all of them sign
}

// signer is the key that openKey returns.
type signer interface {
	crypto.Signer
	io.Closer
}

func main() {
	c := keyConfig{wait: time.Second}
	flag.StringVar(&c.module, "module", "", "the PKCS #11 `library` of the HSM, a full path")
	flag.StringVar(&c.token, "token", "", "the `label` of the token")
	flag.StringVar(&c.label, "key", "", "the `label` of the key pair (default oauth- and the algorithm, such as oauth-ES256)")
	flag.StringVar(&c.algorithm, "alg", jws.ES256, "the `algorithm`: ES256, RS256 or PS256")
	flag.BoolVar(&c.create, "create", false, "make the key pair in the token if there is none")
	flag.IntVar(&c.sessions, "sessions", 16, "how many `sessions` of the token sign at once")
	pinFile := flag.String("pin-file", "", "a `file` that holds the PIN; without it, the PIN is in the environment variable "+pinVariable)
	addr := flag.String("addr", "127.0.0.1:8080", "the `address` to listen on")
	flag.Parse()
	err := c.complete(*pinFile)
	if err == nil {
		err = run(c, *addr)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "hsm:", err)
		os.Exit(1)
	}
}

// complete names every fault of the flags at once, and reads the PIN.
func (c *keyConfig) complete(pinFile string) error {
	var faults []error
	if c.module == "" {
		faults = append(faults, errors.New("-module is missing"))
	}
	if c.token == "" {
		faults = append(faults, errors.New("-token is missing"))
	}
	switch c.algorithm {
	case jws.ES256, jws.RS256, jws.PS256:
	default:
		faults = append(faults, errors.New("-alg is none of ES256, RS256, PS256")) // crypto11 has no Ed25519
	}
	if c.sessions < 1 {
		faults = append(faults, errors.New("-sessions is less than 1"))
	}
	if c.label == "" {
		c.label = "oauth-" + c.algorithm
	}
	pin, err := readPIN(pinFile)
	if err != nil {
		faults = append(faults, err)
	}
	c.pin = pin
	return errors.Join(faults...)
}

// readPIN reads the PIN from a file, or else from the environment. The PIN is no flag,
// since everyone on the machine can read a command line. An HSM counts wrong PINs, so
// readPIN refuses an empty PIN, which cannot be right.
func readPIN(file string) (storage.Secret, error) {
	pin, where := os.Getenv(pinVariable), pinVariable
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return storage.Secret{}, err
		}
		pin, where = strings.TrimRight(string(text), "\r\n"), file
	}
	if pin == "" {
		return storage.Secret{}, fmt.Errorf("there is no PIN in %s", where)
	}
	return storage.PresentedSecret(pin), nil
}

// run serves until Ctrl-C.
func run(c keyConfig, addr string) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	slog.SetLogLoggerLevel(slog.LevelDebug) // the endpoint logs issued tokens there

	key, err := openKey(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, key.Close()) }()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	// A host has a database, and deletes the expired records there.
	handler, welcome, err := newServer(ctx, new(memory.Store), key, c, "http://"+listener.Addr().String())
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		WriteTimeout:      15 * time.Second,
		IdleTimeout:       time.Minute,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	fmt.Print(welcome)

	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		stop() // a second Ctrl-C does not wait
		return shutdown(server)
	}
}

// shutdown lets requests end that are under way, before the token is closed.
func shutdown(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return server.Close()
	}
	return err
}
