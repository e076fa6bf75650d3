package clientauth

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// Certificates verify the certificates of clients that are registered for
// storage.TLSClientAuth or storage.SelfSignedTLSClientAuth (RFC 8705 §2), for [Secrets].
// They are safe for concurrent use, must not be copied after their first use, and their
// fields must not be changed.
//
// The certificate comes from Config.ClientCertificate of package tokenendpoint. A request
// must have the client_id, and no other credentials (RFC 8705 §2). A certificate that was
// revoked by its CA is good here: let the TLS server or the proxy check that. Up to three
// certificates may come with that of the client.
type Certificates struct {
	// Roots are the CAs whose certificates authenticate the clients with
	// storage.TLSClientAuth. The chain is verified at each request, for client
	// authentication. Name CAs that issue certificates to your clients alone, and never
	// those of the web: each CA can issue the name of each client. If nil, no client has
	// that method.
	Roots *x509.CertPool
	// HTTP fetches the keys of a jwks_uri, as [Assertions].HTTP does.
	HTTP *http.Client
	// Logger is told of keys that cannot be fetched. If nil, slog.Default().
	Logger *slog.Logger

	once     sync.Once
	fetches  *keyFetches
	mu       sync.Mutex
	prepared map[string]*certificateKeys
}

// certificateKeys are the keys of the certificates of one registration.
type certificateKeys struct {
	keys   jws.KeyList
	remote bool
	proven atomic.Bool // a certificate was good
}

const (
	// maxAbove bounds the certificates that may stand between that of a client and a root.
	// x509 tries them in every order that their signatures allow, and a stranger chooses
	// them.
	maxAbove = 3
	// maxRSABits is what crypto/tls allows in a handshake: a proxy may allow more.
	maxRSABits = 8192
)

var (
	errChain          = fmt.Errorf("%w: its certificate came with over %d others, or with an RSA key of over %d bits", ErrNotAuthenticated, maxAbove, maxRSABits)
	errNoRoots        = fmt.Errorf("%w: it is registered for tls_client_auth, and Certificates.Roots is nil", ErrNotAuthenticated)
	errOtherName      = fmt.Errorf("%w: its certificate does not have the name of its registration (Client.Certificate)", ErrNotAuthenticated)
	errOtherKey       = fmt.Errorf("%w: its certificate has a key that is none of its registration (Client.Assertion.JWKS, JWKSURI)", ErrNotAuthenticated)
	errSelfSignedKeys = errors.New("its registration has neither JWKS nor JWKSURI")
)

// methods are the methods that work.
func (c *Certificates) methods() (methods []string) {
	switch {
	case c == nil:
		return nil
	case c.Roots != nil:
		return []string{storage.TLSClientAuth, storage.SelfSignedTLSClientAuth}
	}
	return []string{storage.SelfSignedTLSClientAuth}
}

// authenticate gives the verdict on the certificate of a request. The chain is verified
// for a client that does not exist too, and for one that has a secret: so the time tells
// nothing of the client.
func (c *Certificates) authenticate(ctx context.Context, client *storage.Client, r Request) error {
	if c == nil {
		withoutCertificates(client, r)
		return nil
	}
	if client != nil && client.Public() {
		return nil
	}
	if client == nil && r.Crowded {
		return nil
	}
	untrusted := c.verifyChain(r)
	if client == nil || !client.ShowsCertificate() {
		return nil
	}
	if client.AuthMethod == storage.TLSClientAuth {
		switch {
		case untrusted != nil:
			r.Certified(untrusted)
		case !client.Certificate.Names(r.Certificates[0]):
			r.Certified(errOtherName)
		default:
			r.Certified(nil)
		}
		return nil
	}
	known, err := c.knows(ctx, client, r)
	switch {
	case err != nil:
		return err
	case !known:
		r.Certified(errOtherKey)
	default:
		r.Certified(nil)
	}
	return nil
}

// verifyChain says why the chain of a certificate leads to none of the roots, or nil.
func (c *Certificates) verifyChain(r Request) error {
	if c.Roots == nil {
		return errNoRoots
	}
	if len(r.Certificates) > 1+maxAbove {
		return errChain
	}
	above := x509.NewCertPool()
	for _, one := range r.Certificates[1:] {
		if key, ok := one.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() > maxRSABits {
			return errChain
		}
		above.AddCert(one)
	}
	_, err := r.Certificates[0].Verify(x509.VerifyOptions{
		Roots: c.Roots, Intermediates: above, CurrentTime: r.Time, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return fmt.Errorf("%w: its certificate leads to none of Certificates.Roots: %w", ErrNotAuthenticated, err)
	}
	return nil
}

// knows reports whether the key of a certificate is one of the registration (RFC 8705
// §2.2). The rest of the certificate does not matter: its owner has signed it.
func (c *Certificates) knows(ctx context.Context, client *storage.Client, r Request) (bool, error) {
	k, err := c.keysOf(client)
	if err != nil {
		return false, fmt.Errorf("%w: Assertion of client %q: %w", ErrBrokenRecord, client.ID, err)
	}
	known, err := k.has(ctx, r)
	if err == nil && !known && k.remote {
		// The client may have published the key since. No key has this id, so asking for it
		// fetches the keys anew, as seldom as for an assertion that names an unknown key.
		if _, err = k.keys.PublicKey(ctx, unpublished, r.Time); errors.Is(err, jws.ErrUnknownKey) {
			known, err = k.has(ctx, r)
		}
	}
	if err != nil {
		return false, fmt.Errorf("clientauth: the keys of client %q: %w", client.ID, err)
	}
	return known, nil
}

// unpublished is the id of no key.
const unpublished = "\x00"

// has reports whether the key of a certificate is one of these, as they are here.
func (k *certificateKeys) has(ctx context.Context, r Request) (bool, error) {
	all, err := k.keys.PublicKeys(ctx, r.Time)
	for _, key := range all {
		if key.Is(r.Certificates[0].PublicKey) {
			k.proven.Store(true)
			return true, nil
		}
	}
	return false, err
}

// keysOf returns the keys of a registration, and makes them at the first call.
func (c *Certificates) keysOf(client *storage.Client) (*certificateKeys, error) {
	c.once.Do(func() { c.fetches, c.prepared = newKeyFetches(c.HTTP), make(map[string]*certificateKeys) })
	said := &client.Assertion
	name, err := json.Marshal([]any{client.ID, said.JWKS, said.JWKSURI})
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.prepared[string(name)]; k != nil {
		return k, nil
	}
	k := new(certificateKeys)
	switch {
	case said.JWKS != nil:
		k.keys, err = jws.ParseJWKS(said.JWKS)
	case said.JWKSURI != "":
		k.remote = true
		k.keys, err = jws.NewRemote(jws.RemoteConfig{URL: said.JWKSURI, Client: c.fetches.of(&k.proven), Logger: c.Logger})
	default:
		err = errSelfSignedKeys
	}
	if err != nil {
		return nil, err
	}
	if len(c.prepared) >= maxPrepared {
		c.forgetOne()
	}
	c.prepared[string(name)] = k
	return k, nil
}

// forgetOne forgets the registration that it costs least to prepare again.
func (c *Certificates) forgetOne() {
	name, least := "", -1
	for other, k := range c.prepared {
		if worth := worthOf(k.remote, k.proven.Load()); least < 0 || worth < least {
			name, least = other, worth
		}
		if least == 0 {
			break
		}
	}
	delete(c.prepared, name)
}
