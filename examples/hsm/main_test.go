//go:build cgo

package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/pkcs11"
)

// build builds the program once for all tests, in a folder that TestMain
// deletes.
var (
	folder string
	build  = sync.OnceValues(func() (string, error) {
		binary := filepath.Join(folder, "hsm")
		if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
			return "", fmt.Errorf("go build: %w\n%s", err, out)
		}
		return binary, nil
	})
)

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	var err error
	if folder, err = os.MkdirTemp("", "hsm"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	return m.Run()
}

// command is the program with the token of the test.
func (h *softHSM) command(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return exec.Command(binary, append([]string{"-module", h.config.module, "-token", tokenLabel, "-addr", "127.0.0.1:0"}, args...)...)
}

// program is the program, running.
type program struct {
	endpoint
	cmd    *exec.Cmd
	output string
	log    *strings.Builder
	ended  bool
}

func (h *softHSM) start(t testing.TB, args ...string) *program {
	t.Helper()
	p := &program{cmd: h.command(t, args...), log: new(strings.Builder)}
	p.cmd.Stderr = p.log
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !p.ended {
			p.stop(t, os.Kill)
		}
	})
	lines := bufio.NewScanner(stdout)
	for lines.Scan() && !strings.Contains(p.output, "Ctrl-C") {
		p.output += lines.Text() + "\n"
	}
	if !strings.Contains(p.output, "Ctrl-C") {
		p.stop(t, os.Kill)
		t.Fatalf("the program ended early: %s%s", p.output, p.log)
	}
	p.endpoint = readWelcome(t, p.output)
	return p
}

// stop ends the program and returns how it ended.
func (p *program) stop(t testing.TB, signal os.Signal) error {
	t.Helper()
	p.ended = true
	if err := p.cmd.Process.Signal(signal); err != nil {
		t.Error(err)
	}
	return p.cmd.Wait()
}

func TestTokensVerify(t *testing.T) {
	h := newSoftHSM(t)
	for _, algorithm := range algorithms {
		t.Run(algorithm, func(t *testing.T) {
			p := h.start(t, "-alg", algorithm, "-create")
			first := p.clientCredentials(t)
			p.checkIssued(t, first, algorithm)
			p.checkIssued(t, p.refresh(t, first.Refresh), algorithm)
		})
	}
}

// The test runs every line that the program prints for pasting.
func TestPrintedLines(t *testing.T) {
	h := newSoftHSM(t)
	p := h.start(t, "-create")
	lines := 0
	for line := range strings.Lines(p.output) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "curl ") {
			continue
		}
		lines++
		out, err := exec.Command("sh", "-c", line).Output()
		if err != nil {
			t.Fatalf("%s: %v (this test needs sh, curl and sed)", line, err)
		}
		want := `"access_token":"ey`
		if strings.HasSuffix(line, "jwks.json'") {
			want = `"kty":"EC"`
		}
		contains(t, line, string(out), want)
	}
	if lines != 3 {
		t.Errorf("%d curl lines, want 3", lines)
	}
}

// The key outlives the process, so tokens do too.
func TestRestartFindsTheSameKey(t *testing.T) {
	h := newSoftHSM(t)
	p := h.start(t, "-create")
	before, kid := p.clientCredentials(t), p.key(t).KeyID
	p.stop(t, os.Kill) // as a crash does, without closing anything
	for _, args := range [][]string{{"-create"}, nil} {
		p = h.start(t, args...)
		if again := p.key(t).KeyID; again != kid {
			t.Errorf("kid after a restart with %v = %s, want %s", args, again, kid)
		}
		p.checkIssued(t, before, "ES256")
		p.checkIssued(t, p.clientCredentials(t), "ES256")
		if err := p.stop(t, os.Interrupt); err != nil {
			t.Errorf("the program ended with %v, want no error\n%s", err, p.log)
		}
	}
	h.inside(t, func(s *session) {
		if n := len(s.objects(t, pkcs11.CKO_PRIVATE_KEY)); n != 1 {
			t.Errorf("%d private keys after three starts, want 1", n)
		}
	})
}

// The token goes away under the running program, and comes back.
func TestProgramOutlivesAnOutage(t *testing.T) {
	h := newSoftHSM(t)
	p := h.start(t, "-create")
	refresh, kid := p.clientCredentials(t).Refresh, p.key(t).KeyID
	back := h.away(t)
	checkUnavailable(t, p.clientCredentials(t))
	checkUnavailable(t, p.refresh(t, refresh))
	if got := p.key(t).KeyID; got != kid {
		t.Errorf("kid during the outage = %s, want %s", got, kid)
	}
	back()
	var again answer
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if again = p.refresh(t, refresh); again.status == 200 {
			break
		}
		checkUnavailable(t, again)
	}
	p.checkIssued(t, again, "ES256")
	p.checkIssued(t, p.refresh(t, again.Refresh), "ES256")
	if got := p.key(t).KeyID; got != kid {
		t.Errorf("kid after the outage = %s, want %s", got, kid)
	}
	p.stop(t, os.Kill) // now the log is complete
	contains(t, "log", p.log.String(), "outcome=failed", "the token was opened again")
}

func TestStops(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			h := newSoftHSM(t)
			p := h.start(t, "-create")
			p.clientCredentials(t) // leaves an idle connection behind
			if err := p.stop(t, signal); err != nil {
				t.Errorf("the program ended with %v, want no error\n%s", err, p.log)
			}
		})
	}
}

// The PIN comes from a file or the environment, and goes nowhere else.
func TestPIN(t *testing.T) {
	h := newSoftHSM(t)
	file := filepath.Join(t.TempDir(), "pin")
	if err := os.WriteFile(file, []byte(userPIN+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(pinVariable, "a wrong one") // the file wins
	p := h.start(t, "-create", "-pin-file", file)
	p.checkIssued(t, p.clientCredentials(t), "ES256")
	p.stop(t, os.Kill)
	t.Setenv(pinVariable, userPIN)
	p2 := h.start(t)
	back := h.away(t)
	checkUnavailable(t, p2.clientCredentials(t))
	back()
	p2.stop(t, os.Kill)
	for _, text := range []string{p.output, p.log.String(), p2.output, p2.log.String(), fmt.Sprintf("%+v %#v", h.config, h.config)} {
		if strings.Contains(text, userPIN) {
			t.Errorf("the PIN is in %q", text)
		}
	}
}

func TestRefusesToStart(t *testing.T) {
	h := newSoftHSM(t)
	empty := filepath.Join(t.TempDir(), "pin")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		args []string // the last of two equal flags counts
		pin  string
		want string
	}{
		{"every fault at once", []string{"-module", "", "-token", "", "-alg", "EdDSA", "-sessions", "0"}, "",
			"hsm: -module is missing\n-token is missing\n-alg is none of ES256, RS256, PS256\n-sessions is less than 1\nthere is no PIN in HSM_PIN\n"},
		{"no PIN in the file", []string{"-pin-file", empty}, userPIN, "there is no PIN in " + empty},
		{"no such file", []string{"-pin-file", empty + "-no"}, userPIN, "no such file"},
		{"a wrong PIN", nil, "11223344", "CKR_PIN_INCORRECT"},
		{"no such library", []string{"-module", empty}, userPIN, "failed to open module"},
		{"no such token", []string{"-token", "other"}, userPIN, "open the token other: could not find PKCS#11 token"},
		{"no such key", nil, userPIN, "key oauth-ES256: there is no such key; -create makes one"},
		{"no such key by another label", []string{"-key", "mine"}, userPIN, "key mine: there is no such key"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv(pinVariable, test.pin)
			cmd := h.command(t, test.args...)
			var stdout, stderr strings.Builder
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			late := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() }) // it serves
			defer late.Stop()
			if err := cmd.Run(); cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 1 {
				t.Fatalf("the program ended with %v, want exit code 1", err)
			}
			contains(t, "stderr", stderr.String(), test.want)
			if stdout.Len() != 0 || test.pin != "" && strings.Contains(stderr.String(), test.pin) {
				t.Errorf("stdout, stderr = %q, %q, want neither a welcome nor the PIN", &stdout, &stderr)
			}
		})
	}
}
