module github.com/contit/oauth/tokenendpoint/jws/openssl

go 1.26.0

replace github.com/contit/oauth => ../../..
