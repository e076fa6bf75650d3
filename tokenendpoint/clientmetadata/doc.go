// Package clientmetadata serves clients that nobody has registered by hand, such as
// the editors and agents that speak MCP: they bring their own metadata (RFC 7591 §2).
//
//   - [Documents] finds a client whose client_id is the URL of a document with its
//     metadata (draft-ietf-oauth-client-id-metadata-document).
//   - [Registration] is an endpoint at which a client registers itself (RFC 7591). It
//     stores nothing: the client_id that it answers is the metadata, sealed.
//
// Both are a storage.Clients around the host's, and one can be around the other:
//
//	documents, err := clientmetadata.NewDocuments(clientmetadata.DocumentsConfig{Clients: registration, Bounds: bounds})
//
// The endpoint gets them as the Clients of its Storage, in [storage.Parts], or as those of
// its clientauth.Secrets. It then names them in its metadata: client_id_metadata_document_supported,
// and registration_endpoint. A ClientValidator of the host's that takes such clients
// says so in Config.Metadata. The example of the package has the whole.
//
// # What a host decides
//
// The metadata is the word of a stranger about itself. [Bounds] say what such a client may
// have at most, and a document that asks for more gets no more. A name and a logo are
// claims too: the consent page shows the host of the client_id or of the redirect_uri,
// where the browser will go, more prominently than any name. And everybody who uses one
// app has one client_id: to revoke all tokens of that client logs all of them out, so
// revoke by user and family instead.
//
// Nobody has vetted such a client (storage.Client.Unvetted), so the authorization endpoint of
// package grants sends no browser to it for an error, but shows the error to the user: anybody
// can make a document, and a link to this server must not lead wherever its author likes.
//
// Such clients have no secret. They are public, or show a key (private_key_jwt). Config.ClientAssertions
// of package tokenendpoint lets those with a key in: without it they are refused, and New
// logs a line about it.
package clientmetadata
