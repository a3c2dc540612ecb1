package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// certify writes a certificate of 127.0.0.1 and its key into a folder.
func certify(t *testing.T, dir string, serial int64) (certificate, key string) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	public, err := x509.CreateCertificate(rand.Reader, template, template, &secret.PublicKey, secret)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	certificate, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{certificate: {Type: "CERTIFICATE", Bytes: public}, key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, key
}

// shake returns what a TLS handshake with the server gives.
func (r *running) shake(t *testing.T, highest uint16) (tls.ConnectionState, error) {
	t.Helper()
	config := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: highest, NextProtos: []string{"h2", "http/1.1"}}
	connection, err := tls.Dial("tcp", strings.TrimPrefix(r.url, "http://"), config)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer connection.Close()
	return connection.ConnectionState(), nil
}

func TestTheServerSpeaksTLSAndRenewsItsCertificate(t *testing.T) {
	dir, options := t.TempDir(), testOptions(cosineModel)
	options.CertFile, options.KeyFile = certify(t, dir, 1)
	options.ReloadInterval = time.Millisecond
	server := start(t, options)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer client.CloseIdleConnections()
	response, err := client.Get(strings.Replace(server.url, "http:", "https:", 1) + "/v1/users/u0002/recommendations")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != 200 {
		t.Errorf("got %d", response.StatusCode)
	}
	state, err := server.shake(t, tls.VersionTLS13)
	if err != nil || state.PeerCertificates[0].SerialNumber.Int64() != 1 || state.NegotiatedProtocol != "http/1.1" {
		t.Errorf("got %v, %v", state, err)
	}
	if _, err := server.shake(t, tls.VersionTLS11); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
	if answer := server.get(t, "/healthz"); answer.status != 400 {
		t.Errorf("plain HTTP: got %d", answer.status)
	}
	// A certificate whose key is not there yet.
	other, otherKey := certify(t, t.TempDir(), 2)
	if err := os.Rename(other, options.CertFile); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "a refusal", func() bool {
		server.shake(t, tls.VersionTLS13)
		return server.log.find(t, "certificate refused, the old one stays") != nil
	})
	if err := os.Rename(otherKey, options.KeyFile); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the new certificate", func() bool {
		state, err := server.shake(t, tls.VersionTLS12)
		return err == nil && state.PeerCertificates[0].SerialNumber.Int64() == 2
	})
}

func TestFaultyCertificatesAreRefused(t *testing.T) {
	certificate, key := certify(t, t.TempDir(), 1)
	_, otherKey := certify(t, t.TempDir(), 2)
	for _, c := range [][2]string{{certificate, otherKey}, {key, key}, {certificate, certificate}, {certificate, "missing"}, {"missing", key}} {
		options := testOptions(cosineModel)
		options.Log, options.CertFile, options.KeyFile = discard, c[0], c[1]
		if _, err := New(options); err == nil || !strings.Contains(err.Error(), ": expected ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: got %v", c, err)
		}
	}
}
