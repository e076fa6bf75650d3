//go:build cgo

package main

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/pkcs11"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/jws"
)

const (
	tokenLabel = "oauth"
	userPIN    = "13572468"
	officerPIN = "97531864"
)

// modules are where packages put the library of SoftHSM.
var modules = []string{
	"/usr/lib/softhsm/libsofthsm2.so",
	"/usr/lib/*/softhsm/libsofthsm2.so",
	"/usr/lib64/softhsm/libsofthsm.so",
	"/usr/local/lib/softhsm/libsofthsm2.so",
	"/opt/homebrew/lib/softhsm/libsofthsm2.so",
}

func findModule(t testing.TB) string {
	t.Helper()
	for _, pattern := range modules {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[0]
		}
	}
	t.Skip("NOT TESTED: needs SoftHSM: install the package softhsm2")
	return ""
}

// softHSM is a token of SoftHSM that is the test's own.
type softHSM struct {
	config keyConfig // for ES256
	dir    string    // where the token is, in a folder of its own
	pin    string    // the one that is right
}

// newSoftHSM makes an empty token. This process and those it starts see no
// other.
func newSoftHSM(t testing.TB) *softHSM {
	t.Helper()
	module := findModule(t)
	util, err := exec.LookPath("softhsm2-util")
	if err != nil {
		t.Skip("NOT TESTED: needs SoftHSM: install the package softhsm2, and have softhsm2-util in PATH")
	}
	h := &softHSM{dir: filepath.Join(t.TempDir(), "tokens"), pin: userPIN}
	if err := os.Mkdir(h.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(t.TempDir(), "softhsm2.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n", h.dir), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOFTHSM2_CONF", conf)
	t.Setenv(pinVariable, userPIN)
	if out, err := exec.Command(util, "--init-token", "--free", "--label", tokenLabel, "--so-pin", officerPIN, "--pin", userPIN).CombinedOutput(); err != nil {
		t.Fatalf("softhsm2-util: %v\n%s", err, out)
	}
	h.config = keyConfig{
		module: module, token: tokenLabel, pin: storage.PresentedSecret(userPIN),
		label: "oauth-ES256", algorithm: jws.ES256, create: true, sessions: 4,
		wait: time.Minute, // no matter how slow the machine is
	}
	return h
}

// with is the configuration for another algorithm.
func (h *softHSM) with(algorithm string) keyConfig {
	c := h.config
	c.algorithm, c.label = algorithm, "oauth-"+algorithm
	return c
}

// away takes the token out of its slot. back puts it there again.
func (h *softHSM) away(t testing.TB) (back func()) {
	t.Helper()
	drawer := h.dir + "-away"
	rename := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	rename(h.dir, drawer)
	if err := os.Mkdir(h.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := os.RemoveAll(h.dir); err != nil {
			t.Fatal(err)
		}
		rename(drawer, h.dir)
	}
}

// session is a look into the token by other means than the program's.
type session struct {
	*pkcs11.Ctx
	slot   uint
	handle pkcs11.SessionHandle
}

// inside calls f with a session that is logged in. The process may have the
// token open already.
func (h *softHSM) inside(t testing.TB, f func(s *session)) {
	t.Helper()
	s := &session{Ctx: pkcs11.New(h.config.module)}
	if s.Ctx == nil {
		t.Fatalf("pkcs11.New(%s) = nil, want the library", h.config.module)
	}
	defer s.Destroy()
	switch err := s.Initialize(); err {
	case nil:
		defer s.Finalize()
	case pkcs11.Error(pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED):
	default:
		t.Fatal(err)
	}
	slots, err := s.GetSlotList(true)
	if err != nil {
		t.Fatal(err)
	}
	for _, s.slot = range slots {
		info, err := s.GetTokenInfo(s.slot)
		if err != nil {
			t.Fatal(err)
		}
		if info.Label != tokenLabel {
			continue
		}
		if s.handle, err = s.OpenSession(s.slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION); err != nil {
			t.Fatal(err)
		}
		defer s.CloseSession(s.handle)
		if err := s.Login(s.handle, pkcs11.CKU_USER, h.pin); err != nil && err != pkcs11.Error(pkcs11.CKR_USER_ALREADY_LOGGED_IN) {
			t.Fatal(err)
		}
		f(s)
		return
	}
	t.Fatalf("no slot has the token %s", tokenLabel)
}

// setPIN changes the right PIN of the token.
func (h *softHSM) setPIN(t testing.TB, pin string) {
	t.Helper()
	h.inside(t, func(s *session) {
		if err := s.SetPIN(s.handle, h.pin, pin); err != nil {
			t.Fatal(err)
		}
	})
	h.pin = pin
}

// objects finds the objects of a class, such as pkcs11.CKO_PRIVATE_KEY.
func (s *session) objects(t testing.TB, class uint) []pkcs11.ObjectHandle {
	t.Helper()
	if err := s.FindObjectsInit(s.handle, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_CLASS, class)}); err != nil {
		t.Fatal(err)
	}
	defer s.FindObjectsFinal(s.handle)
	found, _, err := s.FindObjects(s.handle, 10)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// p256 is the curve's name in a template (RFC 5480 §2.1.1.1).
var p256 = []byte{0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}

// generate makes an EC key pair with a label. The attributes replace or join
// those of a good private key.
func (s *session) generate(t testing.TB, label string, private ...*pkcs11.Attribute) (publicKey, privateKey pkcs11.ObjectHandle) {
	t.Helper()
	name := []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true),
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, label),
		pkcs11.NewAttribute(pkcs11.CKA_ID, []byte("id of "+label)),
	}
	set := map[uint]*pkcs11.Attribute{}
	for _, a := range append([]*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true),
		pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, false),
		pkcs11.NewAttribute(pkcs11.CKA_SIGN, true),
	}, private...) {
		set[a.Type] = a
	}
	publicKey, privateKey, err := s.GenerateKeyPair(s.handle,
		[]*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_EC_KEY_PAIR_GEN, nil)},
		append(slices.Clone(name), pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, p256)),
		slices.AppendSeq(slices.Clone(name), maps.Values(set)))
	if err != nil {
		t.Fatal(err)
	}
	return publicKey, privateKey
}

// flag reads an attribute that is true or false.
func (s *session) flag(t testing.TB, key pkcs11.ObjectHandle, attribute uint) bool {
	t.Helper()
	a, err := s.GetAttributeValue(s.handle, key, []*pkcs11.Attribute{pkcs11.NewAttribute(attribute, nil)})
	if err != nil || len(a) != 1 || len(a[0].Value) != 1 {
		t.Fatalf("attribute %#x = %v, %v, want true or false", attribute, a, err)
	}
	return a[0].Value[0] != 0
}

func contains(t testing.TB, what, text string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(text, want) {
			t.Errorf("%s = %q, want %q in it", what, text, want)
		}
	}
}
