// Command mlcore answers requests from a trained model, and shows and checks model directories.
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/mlcore/mlcore/interop/go/internal/show"
)

// streams are where a command reads from and writes to.
type streams struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

// say prints a line for people, which may have names and values of anybody in it.
func (s streams) say(kind, text string) { fmt.Fprintf(s.err, "%s: %s\n", kind, show.Line(text)) }

// note tells what is no fault.
func (s streams) note(text string) { s.say("note", text) }

type command struct {
	name  string
	about string
	run   func(streams, []string) int // takes the arguments after the name, returns the exit code
}

func commands() []command {
	return []command{
		{"predict", "recommend: a model and users or histories in, ranked items out", runPredict},
		{"similar", "list the items most similar to one item, as JSON Lines", runSimilar},
		{"serve", "answer requests over HTTP, from the newest model that a link leads to", runServe},
		{"inspect", "describe a model directory as JSON; with --verify check every byte of it", runInspect},
		{"dump", "check a model and print the digests of its content", runDump},
		{"conformance", "answer the conformance suite: dump DIR, predict DIR, or format", runConformance},
	}
}

func main() {
	// A reader that has seen enough is no reason to die: writing fails, and the command ends.
	signal.Ignore(syscall.SIGPIPE)
	os.Exit(run(streams{os.Stdin, os.Stdout, os.Stderr}, os.Args[1:]))
}

func run(std streams, args []string) int {
	if len(args) == 0 || args[0] == "-h" || args[0] == "--help" || args[0] == "help" {
		printOverview(std.out)
		return 0
	}
	for _, command := range commands() {
		if command.name == args[0] {
			return command.run(std, args[1:])
		}
	}
	std.say("error", "command: expected one of those that `mlcore help` lists, got "+show.String(args[0]))
	return 2
}

func printOverview(out io.Writer) {
	fmt.Fprintln(out, "usage: mlcore COMMAND [--help] ...")
	fmt.Fprintln(out)
	for _, command := range commands() {
		fmt.Fprintf(out, "  %-14s %s\n", command.name, command.about)
	}
}
