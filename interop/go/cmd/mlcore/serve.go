package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/mlcore/mlcore/interop/go/internal/server"
)

const serveUsage = `--model-dir DIR-OR-LINK [--listen ADDRESS] ...

Answers requests over HTTP; GET /openapi.json describes them. A link, as python -m cli.publish
switches it, is followed to newer models; SIGHUP makes it look at once. SIGTERM ends it in order.
`

type serveArgs struct {
	listen   string
	logLevel string
	options  server.Options
}

func runServe(std streams, args []string) int {
	parsed, code := parseServeArgs(std, args)
	if code >= 0 {
		return code
	}
	if err := serve(std, parsed); err != nil {
		return report(std, err)
	}
	return 0
}

func parseServeArgs(std streams, args []string) (serveArgs, int) {
	var a serveArgs
	o := &a.options
	flags := newFlags(std, "serve", serveUsage)
	flags.StringVar(&o.ModelDir, "model-dir", "", "the model `directory`, or a link to it")
	flags.StringVar(&o.Attributes, "attributes", "", attributesUsage+"; a newer one is read as soon as it is there")
	flags.StringVar(&a.listen, "listen", "127.0.0.1:8080", "the `address` to listen on; port 0 takes a free one")
	flags.DurationVar(&o.ReloadInterval, "reload-interval", time.Second, "time between two looks for a newer model")
	flags.Int64Var(&o.Limits.MaxBody, "max-body", 1<<20, "longest body of a request in `bytes`")
	flags.IntVar(&o.Limits.MaxN, "max-n", 1000, "longest list")
	flags.Int64Var(&o.Limits.MaxMemory, "max-memory", 0, fmt.Sprintf("`bytes` that all requests may take together, beside the "+
		"model and some 32 KiB for each connection; what finds no room is answered 429 (default %d, or %d times --max-body if that is more)", server.DefaultMaxMemory, server.MemoryOfBody))
	flags.DurationVar(&o.Limits.RequestTimeout, "request-timeout", 5*time.Second,
		"time for a request to arrive; its answer may take as long again")
	flags.DurationVar(&o.ShutdownTimeout, "shutdown-timeout", 10*time.Second,
		"time for the requests being answered when the server is stopped")
	flags.StringVar(&o.TokenFile, "token-file", "",
		"a `file` of bearer tokens, one a line: only requests with one are answered, except /healthz and /readyz; "+
			"read anew when it changes")
	flags.StringVar(&o.CertFile, "tls-cert", "", "a `file` with the certificate, in PEM, to speak TLS; read anew when it changes")
	flags.StringVar(&o.KeyFile, "tls-key", "", "a `file` with its key")
	flags.BoolVar(&o.VerifyFirst, "verify", false,
		"check every byte of the first model; of newer ones it is checked anyway, unless --verify=false")
	a.logLevel = "info"
	flags.Var(choice{&a.logLevel, []string{"debug", "info", "warn", "error"}}, "log-level",
		"`level` of the log on standard error; debug has a line for each request")
	if code := parseFlags(std, flags, args, 0); code >= 0 {
		return a, code
	}
	o.VerifyReloads = o.VerifyFirst || !isSet(flags, "verify")
	if message := a.fault(flags); message != "" {
		return a, usageError(flags, message)
	}
	return a, -1
}

// fault returns what is wrong with the flags, or "".
func (a *serveArgs) fault(flags *flag.FlagSet) string {
	o := &a.options
	switch {
	case !isSet(flags, "model-dir"):
		return "--model-dir is needed"
	case isSet(flags, "tls-cert") != isSet(flags, "tls-key"):
		return "expected both of --tls-cert and --tls-key, or neither"
	case o.Limits.MaxN < 1 || o.Limits.MaxN > math.MaxInt32:
		return fmt.Sprintf("max-n: expected an integer from 1 to %d, got %d", math.MaxInt32, o.Limits.MaxN)
	case o.Limits.MaxBody < 1:
		return fmt.Sprintf("max-body: expected an integer >= 1, got %d", o.Limits.MaxBody)
	case isSet(flags, "max-memory") && o.Limits.MaxMemory/server.MemoryOfBody < max(o.Limits.MaxBody, 1<<20):
		return fmt.Sprintf("max-memory: expected %d times max-body, and at least %d, got %d",
			server.MemoryOfBody, server.MemoryOfBody<<20, o.Limits.MaxMemory)
	}
	for name, duration := range map[string]time.Duration{
		"reload-interval": o.ReloadInterval, "request-timeout": o.Limits.RequestTimeout,
		"shutdown-timeout": o.ShutdownTimeout,
	} {
		if duration <= 0 {
			return fmt.Sprintf("%s: expected a time above 0, got %v", name, duration)
		}
	}
	return ""
}

func serve(std streams, a serveArgs) error {
	// Before anything else, so that a signal during the start ends it in order too. After the first
	// one the next kills.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, stop)
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	defer signal.Stop(reload)

	var level slog.Level
	if err := level.UnmarshalText([]byte(a.logLevel)); err != nil {
		return err
	}
	a.options.Log = server.NewLog(std.err, level)
	// Before the model, which may take longer: the address is the likelier mistake.
	listener, err := net.Listen("tcp", a.listen)
	if err != nil {
		return listenError(a.listen, err)
	}
	defer listener.Close()
	s, err := server.New(a.options)
	if err != nil {
		return err
	}
	return s.Serve(ctx, listener, reload)
}

func listenError(address string, err error) error {
	var number syscall.Errno
	reason := err.Error()
	if errors.As(err, &number) {
		reason = number.Error()
	}
	return fmt.Errorf("%s: expected an address to listen on, got '%s'", address, reason)
}
