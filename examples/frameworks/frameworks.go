// Package frameworks mounts the endpoint under the routers that Go web servers
// use. Each function is the one line that a host needs; its test asks every
// path over HTTP, at the root and under a prefix. docs.go mounts the reference page.
package frameworks

import (
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"
	"github.com/labstack/echo/v4"

	"github.com/contit/oauth/tokenendpoint"
)

// ServeMux mounts all routes at once, beside the other routes of the mux.
func ServeMux(mux *http.ServeMux, endpoint *tokenendpoint.Handler) {
	mux.Handle("/", endpoint)
}

// Chi mounts each route by its path.
func Chi(router chi.Router, endpoint *tokenendpoint.Handler) {
	for _, r := range endpoint.Routes() {
		router.Handle(r.Path, r.Handler)
	}
}

// Gin mounts each route by its path.
func Gin(router gin.IRouter, endpoint *tokenendpoint.Handler) {
	for _, r := range endpoint.Routes() {
		router.Any(r.Path, gin.WrapH(r.Handler))
	}
}

// Echo mounts each route by its path.
func Echo(router *echo.Echo, endpoint *tokenendpoint.Handler) {
	for _, r := range endpoint.Routes() {
		router.Any(r.Path, echo.WrapHandler(r.Handler))
	}
}

// Fiber mounts each route by its path. It has no net/http inside: its adaptor
// hands over a copy of each request whose body has been read.
func Fiber(router fiber.Router, endpoint *tokenendpoint.Handler) {
	for _, r := range endpoint.Routes() {
		router.All(r.Path, adaptor.HTTPHandler(r.Handler))
	}
}
