package server

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/mlcore/mlcore/interop/go/internal/show"
)

// route is one path and the one method it has. HEAD goes with GET.
type route struct {
	template string
	method   string
	codes    []code // of faults, besides those of every route
	isOpen   bool   // to requests without a token
	answer   func(*Server, *exchange) *fault
	segments []string
	metrics  *routeMetrics
}

// unmatched stands for all paths that are no route, in metrics.
const unmatched = "none"

// everywhere are the codes of every route.
var everywhere = []code{codeMethodNotAllowed, codeInternal}

func routes() []*route {
	list := []*route{
		{
			template: "/v1/users/{id}/recommendations", method: http.MethodGet,
			codes:  []code{codeRequest, codeUnknownUser, codeBusy, codeUnavailable},
			answer: (*Server).recommendUser,
		},
		{
			template: "/v1/recommendations", method: http.MethodPost,
			codes: []code{codeRequest, codeUnknownUser, codeTimeout, codeBodyTooLarge, codeMediaType,
				codeBusy, codeUnavailable},
			answer: (*Server).recommendBody,
		},
		{
			template: "/v1/items/{id}/similar", method: http.MethodGet,
			codes:  []code{codeRequest, codeUnknownItem, codeBusy, codeUnavailable},
			answer: (*Server).similar,
		},
		{template: "/healthz", method: http.MethodGet, isOpen: true, answer: (*Server).health},
		{
			template: "/readyz", method: http.MethodGet, codes: []code{codeUnavailable}, isOpen: true,
			answer: (*Server).ready,
		},
		{template: "/metrics", method: http.MethodGet, answer: (*Server).exposeMetrics},
		{template: "/openapi.json", method: http.MethodGet, answer: (*Server).openAPI},
		{template: unmatched, codes: []code{codeNotFound}, answer: (*Server).notFound},
	}
	for _, route := range list {
		route.codes = append(route.codes, everywhere...)
		if !route.isOpen {
			route.codes = append(route.codes, codeUnauthorized)
		}
		route.segments = strings.Split(route.template, "/")
		route.metrics = newRouteMetrics(route.statuses())
	}
	return list
}

func (r *route) statuses() []int {
	statuses := []int{http.StatusOK}
	for _, code := range r.codes {
		statuses = append(statuses, statusOf[code])
		if code == codeBusy {
			statuses = append(statuses, statusGone)
		}
	}
	slices.Sort(statuses)
	return slices.Compact(statuses)
}

func (r *route) allows(method string) bool {
	return r.method == "" || method == r.method || (method == http.MethodHead && r.method == http.MethodGet)
}

// allow is the value of the header Allow.
func (r *route) allow() string {
	if r.method == http.MethodGet {
		return "GET, HEAD"
	}
	return r.method
}

// match finds the route of a path as it was sent: a slash within an id is %2F there. The id is decoded.
func (s *Server) match(path string) (found *route, id string, err error) {
	segments := strings.Split(path, "/")
	for _, route := range s.routes {
		if isMatch(route.segments, segments) {
			found = route
			break
		}
	}
	for position, segment := range found.segments {
		if segment == "{id}" {
			id, err = url.PathUnescape(segments[position])
		}
	}
	return found, id, err
}

// isMatch reports whether a path is one of a template; the template of the last route takes all.
func isMatch(template, path []string) bool {
	if len(template) == 1 {
		return true
	}
	if len(template) != len(path) {
		return false
	}
	for position, segment := range template {
		if segment != "{id}" && segment != path[position] {
			return false
		}
	}
	return true
}

func (s *Server) notFound(x *exchange) *fault {
	return newFault(codeNotFound, "path", "one that /openapi.json lists", show.String(x.request.URL.EscapedPath()))
}
