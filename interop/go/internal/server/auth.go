package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"regexp"
	"strings"
)

const (
	maxTokenFile = 64 << 10
	tokenRule    = "16 to 4096 characters of A-Z a-z 0-9 - . _ ~ + / ="
)

var tokenForm = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

// tokens are the digests of those that are admitted: of equal length, so that comparing tells nothing.
type tokens [][sha256.Size]byte

// readTokens reads a token a line; several are there while one takes the place of another.
func readTokens(path string) (tokens, error) {
	data, err := readSmall(path, maxTokenFile)
	if err != nil {
		return nil, err
	}
	var known tokens
	for number, line := range strings.Split(string(data), "\n") {
		token := strings.TrimSpace(line)
		if token == "" {
			continue
		}
		// Messages never have the token itself.
		if length := len(token); length < 16 || length > 4096 {
			return nil, fmt.Errorf("%s:%d: token: expected %s, got %d", path, number+1, tokenRule, length)
		}
		if !tokenForm.MatchString(token) {
			return nil, fmt.Errorf("%s:%d: token: expected %s, got another character", path, number+1, tokenRule)
		}
		known = append(known, sha256.Sum256([]byte(token)))
	}
	if len(known) == 0 {
		return nil, fmt.Errorf("%s: expected a token a line, got none", path)
	}
	return known, nil
}

// admits reports whether a token is known; how long it takes does not depend on which.
func (t tokens) admits(token string) bool {
	given, found := sha256.Sum256([]byte(token)), 0
	for _, known := range t {
		found |= subtle.ConstantTimeCompare(given[:], known[:])
	}
	return found == 1
}

// authorize returns a fault unless a request may have the answer of a route.
func (s *Server) authorize(route *route, x *exchange) *fault {
	if s.tokens == nil || route.isOpen {
		return nil
	}
	got, challenge := "none", `Bearer realm="mlcore"`
	if given := x.request.Header.Get("Authorization"); given != "" {
		scheme, token, _ := strings.Cut(given, " ")
		if strings.EqualFold(scheme, "Bearer") && s.tokens.get().admits(strings.TrimSpace(token)) {
			return nil
		}
		got, challenge = "another one", challenge+`, error="invalid_token"`
	}
	x.writer.Header()["Www-Authenticate"] = []string{challenge}
	return newFault(codeUnauthorized, "Authorization", "a bearer token of this server", got)
}

// openTokens reads the file of tokens, if one is given.
func (s *Server) openTokens() error {
	path := s.options.TokenFile
	if path == "" {
		return nil
	}
	s.tokens = &watched[tokens]{
		name: "token file", paths: []string{path}, interval: s.options.ReloadInterval, log: s.log,
		read: func() (tokens, error) {
			warnOfReaders(s.log, path)
			return readTokens(path)
		},
	}
	return s.tokens.open()
}
