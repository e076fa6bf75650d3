package frameworks

import (
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"
	"github.com/labstack/echo/v4"

	"github.com/contit/oauth/tokenendpoint/reference"
)

// docsPath is reference.Config.Path. The page is there, and its parts are below it.
const docsPath = "/docs"

// ServeMuxDocs mounts the reference page.
func ServeMuxDocs(mux *http.ServeMux, docs *reference.Reference) {
	mux.Handle(docsPath, docs)
	mux.Handle(docsPath+"/", docs)
}

// ChiDocs mounts the reference page.
func ChiDocs(router chi.Router, docs *reference.Reference) {
	router.Handle(docsPath, docs)
	router.Handle(docsPath+"/*", docs)
}

// GinDocs mounts the reference page.
func GinDocs(router gin.IRouter, docs *reference.Reference) {
	router.Any(docsPath, gin.WrapH(docs))
	router.Any(docsPath+"/*below", gin.WrapH(docs))
}

// EchoDocs mounts the reference page.
func EchoDocs(router *echo.Echo, docs *reference.Reference) {
	router.Any(docsPath, echo.WrapHandler(docs))
	router.Any(docsPath+"/*", echo.WrapHandler(docs))
}

// FiberDocs mounts the reference page.
func FiberDocs(router fiber.Router, docs *reference.Reference) {
	router.All(docsPath, adaptor.HTTPHandler(docs))
	router.All(docsPath+"/*", adaptor.HTTPHandler(docs))
}
