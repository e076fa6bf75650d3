package bearer

import "net/http"

// ResourceMetadata returns the metadata of this API (RFC 9728) and the path at which
// clients look for them. They name the Audience as the resource, the Issuer as its
// authorization server, and ScopesSupported. Clients of MCP servers find the login
// page by them. Mount them where the API is:
//
//	mux.Handle(verifier.ResourceMetadata())
//
// The path is /.well-known/oauth-protected-resource with the path of the Audience behind
// it: for https://api.example.com/v1 it is /.well-known/oauth-protected-resource/v1. Scripts
// of every origin may read the metadata, and a reader may keep them for an hour.
//
// If the Audience is not an https URL without a fragment, or http for a loopback
// address, clients cannot find any metadata, and no challenge names them: the path is
// empty, which http.ServeMux refuses, and the handler answers with 404.
//
// The Handler of the endpoint answers with the metadata of every Audience of its
// configuration. A host that mounts it needs this method only for an API elsewhere,
// or for an audience of a client alone.
func (v *Verifier) ResourceMetadata() (path string, handler http.Handler) {
	if v.resource == nil {
		return "", http.NotFoundHandler()
	}
	return v.resource.Path, v.resource
}
