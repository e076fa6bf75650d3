package deadline

import (
	"net/http"
	"time"
)

// UsualBody is how long a body may take to arrive where no configuration says otherwise.
const UsualBody = 5 * time.Second

// Body ends the wait for the body of a request at an instant, if it has one. A handler
// calls it before anything else: net/http waits for the body even of a request that was
// refused or whose body nobody reads, and has no deadline of its own. If a
// ResponseWriter has no deadlines, the deadlines of the server hold.
//
// A deadline that stands when the body is here would end the request's context with it:
// a handler that goes on for longer than that sets it to the zero time.
func Body(w http.ResponseWriter, r *http.Request, at time.Time) {
	if r.ContentLength != 0 {
		http.NewResponseController(w).SetReadDeadline(at)
	}
}
