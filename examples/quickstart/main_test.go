package main_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The tests drive the real program. TestMain builds it and starts the one that
// most of them share.
var (
	binary string
	shared *program
)

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "quickstart")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "quickstart")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	if shared, err = start("-addr", "127.0.0.1:0"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer shared.kill()
	return m.Run()
}

// program is a quickstart that runs.
type program struct {
	cmd    *exec.Cmd
	url    string // without a slash at its end
	output string // up to its last line
	log    *strings.Builder
}

// start starts the program and reads its output. The program is ready when start
// returns.
func start(args ...string) (*program, error) {
	p := &program{cmd: exec.Command(binary, args...), log: new(strings.Builder)}
	p.cmd.Stderr = p.log
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	var output strings.Builder
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		fmt.Fprintln(&output, lines.Text())
		if url, ok := strings.CutSuffix(strings.TrimSpace(lines.Text()), "/connect/token"); ok && p.url == "" {
			p.url = url
		}
		if strings.Contains(lines.Text(), "Ctrl-C") {
			p.output = output.String()
			return p, nil
		}
	}
	p.kill()
	return nil, fmt.Errorf("the program ended early: %s%s", output.String(), p.log)
}

func (p *program) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

func startFor(t testing.TB, args ...string) *program {
	t.Helper()
	p, err := start(args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	return p
}

func TestPrintsWhatItServes(t *testing.T) {
	for _, want := range []string{
		shared.url + "/connect/token",
		"my-app-id", "my-app-secret", "my-public-app",
		"http://127.0.0.1:8080/callback",
		"issuer    " + shared.url + "\n", "contit-api",
		"API key ck_demo_",
		`curl -d 'grant_type=client_credentials&client_id=my-app-id&client_secret=my-app-secret' '` + shared.url + `/connect/token'`,
	} {
		if !strings.Contains(shared.output, want) {
			t.Errorf("output lacks %q:\n%s", want, shared.output)
		}
	}
	status, body := get(t, shared.url+"/")
	if status != 200 || strings.TrimSpace(body) != strings.TrimSpace(shared.output) {
		t.Errorf("GET / = %d %s, want the printed welcome", status, body)
	}
}

func TestAddr(t *testing.T) {
	const usual = "127.0.0.1:8080"
	taken, err := net.Listen("tcp", usual)
	if err != nil {
		t.Logf("somebody else has %s, which serves as well: %v", usual, err)
	}

	t.Run("without -addr, a port that is taken is left alone", func(t *testing.T) {
		p := startFor(t)
		if p.url == "http://"+usual || !strings.Contains(p.output, usual+" is taken") {
			t.Errorf("url = %s, want another than %s, and a word about it:\n%s", p.url, usual, p.output)
		}
		if status, _ := get(t, p.url+"/.well-known/jwks.json"); status != 200 {
			t.Errorf("GET jwks.json = %d, want 200", status)
		}
		if !strings.Contains(p.output, "http://127.0.0.1:8080/callback") {
			t.Error("the redirect URI moved with the port, want it where it was")
		}
	})
	t.Run("with -addr, a port that is taken is an error", func(t *testing.T) {
		p, err := start("-addr", usual)
		if err == nil {
			p.kill()
			t.Errorf("it started at %s, want an error", p.url)
		}
	})
	if taken == nil {
		return
	}
	taken.Close()
	t.Run("without -addr, a port that is free is taken", func(t *testing.T) {
		if p := startFor(t); p.url != "http://"+usual {
			t.Errorf("url = %s, want http://%s", p.url, usual)
		}
	})
	t.Run("all addresses are printed as one that can be reached", func(t *testing.T) {
		p := startFor(t, "-addr", ":0")
		if !strings.HasPrefix(p.url, "http://127.0.0.1:") {
			t.Errorf("url = %s, want one of 127.0.0.1", p.url)
		}
	})
}

func TestStops(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			p := startFor(t, "-addr", "127.0.0.1:0")
			if status, _ := get(t, p.url+"/"); status != 200 { // leaves an idle connection behind
				t.Fatalf("GET / = %d, want 200", status)
			}
			silent, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer silent.Close()

			began := time.Now()
			if err := p.cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			err = p.cmd.Wait()
			if took := time.Since(began); err != nil || took > time.Second {
				t.Errorf("it ended after %v with %v, want within a second and without an error\n%s", took, err, p.log)
			}
			if strings.Contains(p.log.String(), "panic") {
				t.Errorf("its log has a panic:\n%s", p.log)
			}
		})
	}
}

// The log belongs to operators: it names clients and outcomes, and no secret.
func TestLogHoldsNoSecret(t *testing.T) {
	p := startFor(t, "-addr", "127.0.0.1:0")
	status, body := post(t, p.url, "application/x-www-form-urlencoded",
		"grant_type=client_credentials&client_id=my-app-id&client_secret=my-app-secret")
	if status != 200 {
		t.Fatalf("token request = %d %v, want 200", status, body)
	}
	refresh := fmt.Sprintf("grant_type=refresh_token&client_id=my-public-app&refresh_token=%v", body["refresh_token"])
	if status, body := post(t, p.url, "application/x-www-form-urlencoded", refresh); status != 400 {
		t.Fatalf("another client's refresh token = %d %v, want 400", status, body)
	}
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	p.cmd.Wait()
	log := p.log.String()
	for _, want := range []string{"outcome=issued", "outcome=refused", "client_id=my-app-id"} {
		if !strings.Contains(log, want) {
			t.Errorf("log lacks %q:\n%s", want, log)
		}
	}
	for _, secret := range []string{"my-app-secret", "rt_", "eyJ", "ck_demo_"} {
		if strings.Contains(log, secret) {
			t.Errorf("log has %q:\n%s", secret, log)
		}
	}
}

func get(t testing.TB, url string) (status int, body string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}
