package integration_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
)

// childVariable names the environment variable with the childSpec of a child
// process.
const childVariable = "OAUTH_TEST_FAULT_CHILD"

// childSpec describes the endpoint of a child, on tables that exist.
type childSpec struct {
	Driver, DSN, Prefix string
	Dialect             sqlstore.Dialect
	Tuning              tuning
	Cached              bool          // whether its endpoint has a cache of clients
	Skew                time.Duration // how far its clock is ahead
	Amid                bool          // others spend with its store all the time
}

// runChild serves until the process is killed. Its first line of output is its
// address.
func runChild(spec string) {
	if err := serveChild(spec); err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		os.Exit(1)
	}
}

func serveChild(text string) error {
	var spec childSpec
	if err := json.Unmarshal([]byte(text), &spec); err != nil {
		return err
	}
	db, err := sql.Open(spec.Driver, spec.DSN)
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	store, err := sqlstore.Open(context.Background(), sqlstore.Config{DB: db, Dialect: spec.Dialect, TablePrefix: spec.Prefix})
	if err != nil {
		return err
	}
	if spec.Amid {
		for range enough {
			go spendChains(store)
		}
	}
	fuse := new(fuse)
	var behind storage.Storage = &fused{store, fuse}
	if spec.Skew != 0 {
		behind = &skewed{behind, spec.Skew}
	}
	handler, err := faultHandler(behind, fusedSigner{faultKey(), fuse}, spec.Tuning, spec.Cached)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/", fuse.answering(handler))
	mux.HandleFunc("/fuse", func(_ http.ResponseWriter, r *http.Request) { fuse.lay(r.URL.Query().Get("point")) })
	mux.Handle("/signing-key", serveSigningKey(store))
	fmt.Println("http://" + l.Addr().String())
	return http.Serve(l, mux)
}

// spendChains ends the process if the store refuses a credential that nobody
// else spends.
func spendChains(store *sqlstore.Store) {
	for {
		if err := spendChain(context.Background(), store); isVerdict(err) {
			fmt.Fprintln(os.Stderr, "child: a Spend without a rival:", err)
			os.Exit(1)
		}
	}
}

// child is a process that serves an endpoint.
type child struct {
	url string
	cmd *exec.Cmd
	log *bytes.Buffer
}

// newChild starts one on the bed's tables.
func (b *faultBed) newChild(c tuning, skew time.Duration) *child {
	b.Helper()
	spec, err := json.Marshal(childSpec{
		Driver: b.server.driver, DSN: b.server.dsn, Prefix: b.config.TablePrefix, Dialect: b.server.dialect,
		Tuning: c, Cached: b.cached(c), Skew: skew, Amid: b.amid,
	})
	if err != nil {
		b.Fatal(err)
	}
	p := &child{cmd: exec.Command(os.Args[0]), log: new(bytes.Buffer)}
	p.cmd.Env = append(os.Environ(), childVariable+"="+string(spec))
	p.cmd.Stderr = p.log
	p.cmd.SysProcAttr = new(syscall.SysProcAttr)
	orphan(p.cmd.SysProcAttr, syscall.SIGKILL)
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		b.Fatalf("starting a child: %v", err)
	}
	b.Cleanup(p.kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		p.kill()
		b.Fatalf("a child did not start: %v\n%s", err, p.log)
	}
	p.url = strings.TrimSpace(line)
	return p
}

// kill ends it as kill -9 does.
func (p *child) kill() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill()
	p.wait()
}

// wait waits until it has ended, by itself or not, and returns how.
func (p *child) wait() string {
	if p.cmd == nil {
		return "not running"
	}
	_ = p.cmd.Wait()
	state := p.cmd.ProcessState.String()
	p.cmd = nil
	return state
}

// lay makes a child kill itself when it next comes to a point.
func (p *child) lay(t testing.TB, point string) {
	t.Helper()
	answer, err := http.Get(p.url + "/fuse?point=" + strings.ReplaceAll(point, " ", "+"))
	if err != nil {
		t.Fatalf("telling a child where to end: %v", err)
	}
	answer.Body.Close()
}
