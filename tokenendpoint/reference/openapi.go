package reference

import (
	"net/http"
	"time"

	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/document"
	"github.com/contit/oauth/tokenendpoint/internal/openapi"
)

// Info is the part of an OpenAPI document beside the description of the endpoint. The
// zero value works.
type Info struct {
	// Title is the name of the document. If empty, "OAuth 2 token endpoint".
	Title string
	// Version is the version of the document, not of OAuth. If empty, "1".
	Version string
	// Description stands above the operations, in CommonMark. If empty, it names the
	// issuer.
	Description string
	// Scopes are the scopes that clients may ask for, each with a sentence about what
	// it allows. The endpoint does not know them all, since the registration of a
	// client has them. If empty, they are the ScopesSupported of the Description.
	Scopes map[string]string
}

// OpenAPI returns the OpenAPI 3.1 document of an endpoint: the operations of its
// token, revocation and introspection endpoints and of its documents, with a schema
// for each grant. The same arguments give the same bytes. The error names every fault
// of the arguments; a description by [tokenendpoint.Handler.Describe] has none.
//
// The document has a security scheme oauth2, with the URLs and the scopes, which the
// document of a host's own API can copy. examples/swagger shows the document in
// Swagger UI.
func OpenAPI(d tokenendpoint.Description, info Info) ([]byte, error) {
	return openapi.Document(d, openapi.Info(info))
}

// OpenAPIHandler serves the document of [OpenAPI], to the scripts of every origin.
// Readers may keep it for an hour, and ask by its ETag whether it has changed.
func OpenAPIHandler(d tokenendpoint.Description, info Info) (http.Handler, error) {
	b, err := OpenAPI(d, info)
	if err != nil {
		return nil, err
	}
	doc := document.New(b)
	return document.Handler(func(*http.Request) (document.Document, time.Duration, error) { return doc, time.Hour, nil }), nil
}
