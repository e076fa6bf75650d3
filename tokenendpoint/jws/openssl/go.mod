module github.com/contit/oauth/tokenendpoint/jws/openssl

go 1.26.0

replace github.com/contit/oauth => ../../..

require (
	github.com/contit/oauth v0.0.0
	github.com/go-jose/go-jose/v4 v4.1.9
)

require (
	github.com/google/uuid v1.6.0 // indirect
	golang.org/x/crypto v0.58.0 // indirect
)
