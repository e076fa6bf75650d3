package grants

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/contit/oauth/storage"
)

// AuthorizationError is the error of an authorization request. It knows whether the
// client may be told: a request whose client or whose redirect_uri is wrong leads
// nowhere, and only the user may see the fault (RFC 6749 §4.1.2.1). The same holds for a
// client that nobody has vetted, see Click.
type AuthorizationError struct {
	// Err is the reason: an [Error] or an [ErrorCode], or an outage. Its cause is for
	// the log.
	Err error
	// Answer, if not nil, is the error response for the client. If nil, the fault is
	// for the eyes of the user alone.
	Answer *AuthorizationResponse
	// Click, if not nil, is the error response for a client that nobody has vetted
	// ([storage.Client.Unvetted]), and Answer is nil. A browser that followed it by itself
	// would be sent anywhere by anybody, from an address that the user trusts (RFC 9700
	// §4.11.2). A page may show it as a link, beside the host to which it leads.
	Click *AuthorizationResponse
	// Status and Sentence are those of the page for the user if Answer is nil. If Status
	// is zero too, the user sees an outage. A host that speaks another language than
	// English chooses its own sentence by the code of Err: InvalidClient for an unknown
	// or disabled client, InvalidRequest for a mistake of the client, and no verdict for
	// an outage.
	Status   int
	Sentence string

	client string // for the log, once it was found
}

// Error returns the text of Err, for the log.
func (e *AuthorizationError) Error() string {
	if e.Err == nil {
		return errNoReason.Error()
	}
	return e.Err.Error()
}

// Unwrap returns Err.
func (e *AuthorizationError) Unwrap() error { return e.Err }

// The sentences are for the user, and for the developer of
// the client: they say how to mend the request.
const (
	sentenceMalformed   = "The app that sent you here made a mistake: its request could not be read. Its developer must send each parameter once, form-encoded, by GET or POST (RFC 6749 section 4.1.1)."
	sentenceTooLong     = "The app that sent you here made a mistake: its request is too long. Its developer must send at most 32 KiB, 100 parameters, and 4 KiB in each of them."
	sentenceNoClient    = "The app that sent you here did not say which app it is. Its developer must send the parameter client_id, once."
	sentenceClient      = "The app that sent you here is not known here. Its developer must register it, and send the client_id of the registration."
	sentenceNoRedirect  = "The app that sent you here did not say where you shall go back to. Its developer must send one of the redirect_uris that are registered for the app."
	sentenceRedirect    = "The app that sent you here wants you sent to an address that is not registered for it, so you stay here. Its developer must register the redirect_uri exactly as the app sends it."
	sentenceUnvetted    = "The app that sent you here made a mistake, and nobody here knows the app, so you stay here. Start again in the app, if you trust it."
	sentenceUnavailable = "This page does not work at the moment. Please try again in a minute."
)

// shown is a fault for the eyes of the user.
func shown(err error, sentence string) *AuthorizationError {
	return &AuthorizationError{Err: err, Status: http.StatusBadRequest, Sentence: sentence}
}

// unavailable is an outage before it is known where an answer may go.
func unavailable(err error) *AuthorizationError {
	e := &AuthorizationError{Err: err, Status: http.StatusServiceUnavailable, Sentence: sentenceUnavailable}
	if v := Verdict(err); v != nil && v.Limited {
		e.Status = http.StatusTooManyRequests
	}
	return e
}

// tell is a fault that the client is told of.
func (a answers) tell(err error) *AuthorizationError {
	return &AuthorizationError{Err: err, Answer: a.refusal(err), client: a.client}
}

// withhold is a fault that the client could be told of, if anybody knew the client. The
// developer reads the description on the page.
func (a answers) withhold(err error, v *Error) *AuthorizationError {
	e := &AuthorizationError{Err: err, Click: a.refusal(err), Status: http.StatusBadRequest, Sentence: sentenceUnvetted, client: a.client}
	switch {
	case v == nil || v.Code == ServerError || v.Code == TemporarilyUnavailable:
		e.Status, e.Sentence = http.StatusServiceUnavailable, sentenceUnavailable
	case v.Description != "":
		e.Sentence += " For its developer: " + string(v.Code) + ", " + v.Description + "."
	default:
		e.Sentence += " For its developer: " + string(v.Code) + "."
	}
	return e
}

var (
	errNoRedirectURI    = errors.New("grants: the request has no redirect_uri, and the client has not exactly one (Client.RedirectURIs)")
	errRedirectBeyond   = errors.New("grants: the redirect_uri is not among those of the client (Client.RedirectURIs), which are compared byte for byte")
	errRedirectSlash    = errors.New("grants: the redirect_uri differs from one of the client (Client.RedirectURIs) by a slash at its end alone")
	errRedirectScheme   = errors.New("grants: the redirect_uri differs from one of the client (Client.RedirectURIs) by http for https alone, or the reverse")
	errRedirectPort     = errors.New("grants: the redirect_uri has another port of localhost than the client (Client.RedirectURIs): register it without a port to allow every port")
	errRedirectLoopback = errors.New("grants: the redirect_uri has another name of this machine than the client (Client.RedirectURIs): register 127.0.0.1, [::1] and localhost each by itself")
)

// redirectFault is the error of a redirect_uri that is not registered. Its cause says
// how little it takes, as it nearly always is a slip.
func redirectFault(c *storage.Client, uri string) *AuthorizationError {
	if uri == "" {
		return shown(InvalidRequest.Describe("redirect_uri is missing").Because(errNoRedirectURI), sentenceNoRedirect)
	}
	cause := errRedirectBeyond
	presented, loopback := splitLoopback(uri)
	for _, registered := range c.RedirectURIs {
		r, ok := splitLoopback(registered)
		same := loopback && ok && r.rest == presented.rest
		switch {
		case strings.TrimSuffix(uri, "/") == strings.TrimSuffix(registered, "/"):
			cause = errRedirectSlash
		case strings.TrimPrefix(strings.Replace(uri, "http://", "https://", 1), "https://") == strings.TrimPrefix(strings.Replace(registered, "http://", "https://", 1), "https://"):
			cause = errRedirectScheme
		case same && r.host == presented.host:
			cause = errRedirectPort
		case same:
			cause = errRedirectLoopback
		}
	}
	return shown(errUnregistered.Because(cause), sentenceRedirect)
}

var (
	errNoAnswer = errors.New("grants: AuthorizationEndpoint.Answer was given neither an answer nor an error")
	errNoReason = errors.New("grants: an AuthorizationError has no Err")
)

// Answer writes the answer to an authorization request. If err is nil, it sends the
// browser to the client. Otherwise the answer does not count, and may be nil: if the
// client may be told of err, Answer sends the browser there, and else it shows a
// sentence to the user. An err that is no [*AuthorizationError] is an outage that the
// user sees; a host passes the errors of its own store through
// [PendingAuthorization.Refuse]. Answer logs err.
//
// The browser is sent with the status 303, so that it drops a form that it has just
// sent and that may hold a password (RFC 9700 §4.12). No cache keeps the answer, and the
// client does not learn the address of the page from a Referer.
func (e AuthorizationEndpoint) Answer(w http.ResponseWriter, r *http.Request, answer *AuthorizationResponse, err error) {
	if err == nil && answer != nil {
		answer.redirect(w)
		return
	}
	if err == nil {
		err = errNoAnswer
	}
	var fault *AuthorizationError
	if !errors.As(err, &fault) || fault == nil || fault.Answer == nil && fault.Status == 0 { // of the host's making
		fault = unavailable(err)
	}
	e.log(r, fault)
	if fault.Answer != nil {
		fault.Answer.redirect(w)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer") // the request stands in the address
	switch fault.Status {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		h.Set("Retry-After", "5")
	case http.StatusMethodNotAllowed:
		h.Set("Allow", "GET, HEAD, POST")
	}
	if e.Show != nil {
		e.Show(w, r, fault.Status, fault.Sentence)
		return
	}
	http.Error(w, fault.Sentence, fault.Status)
}

func (e AuthorizationEndpoint) log(r *http.Request, fault *AuthorizationError) {
	logger, level := e.Logger, slog.LevelInfo
	if logger == nil {
		logger = slog.Default()
	}
	if v := Verdict(fault.Err); v == nil || v.Code == ServerError || v.Code == TemporarilyUnavailable && !v.Limited {
		level = slog.LevelError
	}
	told := "user"
	if fault.Answer != nil {
		told = "client"
	}
	logger.LogAttrs(r.Context(), level, "authorization request refused",
		slog.String("told", told), slog.String("client_id", fault.client), slog.String("cause", fault.Error()))
}
