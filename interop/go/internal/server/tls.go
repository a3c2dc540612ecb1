package server

import (
	"crypto/tls"
	"fmt"
)

const maxPEMFile = 1 << 20

// openTLS reads certificate and key, if they are given.
func (s *Server) openTLS() error {
	certificate, key := s.options.CertFile, s.options.KeyFile
	if certificate == "" {
		return nil
	}
	s.certificate = &watched[tls.Certificate]{
		name: "certificate", paths: []string{certificate, key}, interval: s.options.ReloadInterval, log: s.log,
		read: func() (tls.Certificate, error) {
			warnOfReaders(s.log, key)
			return readCertificate(certificate, key)
		},
	}
	return s.certificate.open()
}

func readCertificate(certificate, key string) (tls.Certificate, error) {
	chain, err := readSmall(certificate, maxPEMFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	secret, err := readSmall(key, maxPEMFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	pair, err := tls.X509KeyPair(chain, secret)
	if err != nil {
		return pair, fmt.Errorf("%s: expected a certificate in PEM and %s its key, got '%w'", certificate, key, err)
	}
	return pair, nil
}

// tlsConfig is nil where the server speaks plain HTTP.
func (s *Server) tlsConfig() *tls.Config {
	if s.certificate == nil {
		return nil
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.certificate.get(), nil },
	}
}
