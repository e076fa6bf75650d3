package clientmetadata

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/internal/nils"
	"github.com/contit/oauth/tokenendpoint/internal/publicnet"
)

// DocumentsConfig is the configuration of [Documents]. [NewDocuments] copies it.
type DocumentsConfig struct {
	// Clients are the clients that are registered. They come first: a document is
	// fetched only for a client_id that none of them has. If nil, there are none.
	Clients storage.Clients
	// Bounds are the most that a client with a document may have.
	Bounds Bounds
	// Allow, if not nil, decides whether a document may be fetched, such as by the host
	// of its URL. An error that is storage.ErrNotFound refuses it as an unknown client;
	// every other error is an outage.
	Allow func(ctx context.Context, clientID *url.URL) error
	// HTTP fetches the documents, with a copy that follows no redirect and keeps no
	// cookies. If nil, a client that connects to public addresses alone, and checks an
	// address where it dials it. A client of the host's must do that itself.
	HTTP *http.Client
	// Size is how many documents are kept. If zero, 1000.
	Size int
}

// Documents is a storage.Clients that also knows the clients whose client_id is the
// URL of their metadata. It is safe for concurrent use. Only [NewDocuments] makes a
// working one. It starts no goroutine: the caller that needs a document fetches it, in
// five seconds at most, and in the time that its context has, such as Config.Timeout of
// package tokenendpoint.
//
// A document is kept for as long as its Cache-Control says, between five minutes and a
// day. Many callers that need one document wait for one request. A host is asked ten
// times a minute, and all hosts together a hundred times; a caller beyond that is rate
// limited (429), and documents that are there serve. While the server of a document is down,
// the last copy serves for a day; without one it is an outage, and never an unknown
// client. An answer that is no such document is an unknown client for a minute.
type Documents struct {
	config DocumentsConfig
	cache  cache
}

var _ storage.Clients = (*Documents)(nil)

// NewDocuments returns a Documents. It fetches nothing yet.
func NewDocuments(c DocumentsConfig) (*Documents, error) {
	if nils.Is(c.Clients) {
		c.Clients = noClients{}
	}
	if c.HTTP == nil {
		c.HTTP = publicnet.Client()
	}
	if c.Size == 0 {
		c.Size = 1000
	}
	c.Bounds = c.Bounds.clone()
	own := *c.HTTP
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	own.Jar = nil
	c.HTTP = &own
	err := c.Bounds.check()
	if c.Size < 0 {
		err = errors.Join(err, errors.New("clientmetadata: DocumentsConfig.Size is negative"))
	}
	if err != nil {
		return nil, err
	}
	return &Documents{config: c, cache: newCache(c.Size)}, nil
}

// Client returns a registered client, or else the client of a document, as
// storage.Clients says.
func (d *Documents) Client(ctx context.Context, id string) (*storage.Client, error) {
	client, err := d.config.Clients.Client(ctx, id)
	if !errors.Is(err, storage.ErrNotFound) || !IsDocument(id) {
		return client, err
	}
	if d.config.Allow != nil {
		u, _ := checkURL(id)
		if err := d.config.Allow(ctx, u); err != nil {
			return nil, err
		}
	}
	m, err := d.cache.get(ctx, id, time.Now(), d.fetch)
	if err != nil {
		return nil, err
	}
	return m.client(id, &d.config.Bounds)
}

// ServerMetadata says client_id_metadata_document_supported, and what the registered
// clients say. Package tokenendpoint puts it into the metadata of the endpoint.
func (d *Documents) ServerMetadata() map[string]any {
	return with(d.config.Clients, "client_id_metadata_document_supported", true)
}

// with adds a member of the metadata to those of other clients, if they say any.
func with(clients storage.Clients, name string, value any) map[string]any {
	all := make(map[string]any)
	if c, says := clients.(interface{ ServerMetadata() map[string]any }); says {
		maps.Copy(all, c.ServerMetadata())
	}
	all[name] = value
	return all
}

// Name returns the client_name of a document that is here, for the consent page: it is
// what a stranger says of itself. It is empty if there is none, or no such document.
func (d *Documents) Name(clientID string) string { return d.cache.name(clientID) }

// noClients are the registered clients of a host that has none.
type noClients struct{}

func (noClients) Client(context.Context, string) (*storage.Client, error) {
	return nil, storage.ErrNotFound
}

// errUnusable is why an answer is no document: the client is unknown.
type errUnusable struct{ reason string }

// Error names the reason, for the log.
func (e errUnusable) Error() string { return "clientmetadata: the document: " + e.reason }

// Unwrap makes it an unknown client.
func (errUnusable) Unwrap() error { return storage.ErrNotFound }

func unusable(format string, args ...any) error { return errUnusable{fmt.Sprintf(format, args...)} }
