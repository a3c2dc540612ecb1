package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/tables"
)

// predictArgs are the flags of predict.
type predictArgs struct {
	modelDir     string
	allUsers     bool
	users        string
	histories    string
	weights      string
	now          *string // nil if it is not given
	topN         int64
	out          string
	includeItems string
	excludeItems string
	includePairs string
	excludePairs string
	includeSeen  bool
	fill         string
	unknownUser  string
	explain      bool
	threads      int
	format       string
	columns      tables.Columns
	delimiter    string
	noHeader     bool
	fieldNames   []string
	progress     bool
	catalogue    catalogueArgs
}

const predictUsage = "--model-dir DIR (--all-users | --users FILE | --histories FILE) --out FILE [flags]"

func (a *predictArgs) declare(flags *flag.FlagSet) {
	flags.StringVar(&a.modelDir, "model-dir", "", "the model `directory`")
	flags.BoolVar(&a.allUsers, "all-users", false, "every user of the training")
	flags.StringVar(&a.users, "users", "", "a table with a column user_id: a `file`, or -")
	flags.StringVar(&a.histories, "histories", "", "a `file` of events: .jsonl with "+
		`{"user_id": "s1", "history": [{"item_id": "a", "weight": 1, "timestamp": 0}]}, or .csv with `+
		"user_id,item_id[,weight][,timestamp]")
	a.weights = "events"
	flags.Var(choice{&a.weights, []string{"events", "final"}}, "weights",
		"of histories: events, of which the model makes weights as in training, or final")
	flags.Func("now", "the `time` up to which events of histories age, in seconds or as RFC 3339 "+
		"(default the reference time of the model)", func(text string) error { a.now = &text; return nil })
	flags.Int64Var(&a.topN, "top-n", 10, "longest list")
	flags.StringVar(&a.out, "out", "", "JSON Lines: a `file` .jsonl, or -; rows: .csv or .tsv; perhaps .gz")
	flags.StringVar(&a.includeItems, "include-items", "", "a `file` with a column item_id: only these")
	flags.StringVar(&a.excludeItems, "exclude-items", "", "a `file` with a column item_id: none of these")
	flags.StringVar(&a.includePairs, "include-pairs", "", "a `file` with columns user_id and item_id: of each user only these")
	flags.StringVar(&a.excludePairs, "exclude-pairs", "", "a `file` with columns user_id and item_id: of each user none of these")
	a.catalogue.declare(flags)
	flags.BoolVar(&a.includeSeen, "include-seen", false, "items of the history may be listed")
	flags.Var(choice{&a.fill, []string{"popularity"}}, "fill", "popularity completes short lists with popular unseen items")
	a.unknownUser = "error"
	flags.Var(choice{&a.unknownUser, []string{"error", "skip", "fill"}}, "unknown-user",
		"a user the model does not know is an error, is left out (skip), or gets popular items (fill)")
	flags.BoolVar(&a.explain, "explain", false, "say of each item what each item of the history adds to its score")
	flags.IntVar(&a.threads, "threads", runtime.GOMAXPROCS(0), "changes speed only")
	flags.Var(choice{&a.format, []string{"csv", "jsonl"}}, "format",
		"csv or jsonl: of tables whose name does not tell, such as - for standard input")
	flags.StringVar(&a.columns.User, "user-column", "user_id", "`name` of the column in tables")
	flags.StringVar(&a.columns.Item, "item-column", "item_id", "`name` of the column in tables")
	flags.StringVar(&a.columns.Weight, "weight-column", "weight", "`name` of the column in tables of histories")
	flags.StringVar(&a.columns.Timestamp, "timestamp-column", "timestamp", "`name` of the column in tables of histories")
	flags.Func("delimiter", "of CSV: , ; | :: or tab (default: by the first line)", func(text string) (err error) {
		a.delimiter, err = tables.ParseDelimiter(text)
		return err
	})
	flags.BoolVar(&a.noHeader, "no-header", false, "CSV without names of columns")
	flags.Func("columns", "with --no-header: the `names`, such as user_id,item_id,weight,timestamp", func(text string) error {
		a.fieldNames = strings.Split(text, ",")
		return nil
	})
	flags.BoolVar(&a.progress, "progress", false, "show progress")
}

// checkColumns refuses one of --no-header and --columns without the other.
func (a *predictArgs) checkColumns() error {
	given, missing := "--columns", "--no-header"
	if a.noHeader {
		given, missing = missing, given
	}
	if a.noHeader == (a.fieldNames != nil) {
		return nil
	}
	return &hinted{
		given + ": expected " + missing + " with it, got none",
		"--no-header --columns user_id,item_id,weight,timestamp reads a file without header",
	}
}

func runPredict(std streams, args []string) int {
	var a predictArgs
	flags := newFlags(std, "predict", predictUsage)
	a.declare(flags)
	if code := parseFlags(std, flags, args, 0); code >= 0 {
		return code
	}
	whom := 0
	for _, name := range []string{"all-users", "users", "histories"} {
		if isSet(flags, name) {
			whom++
		}
	}
	if whom != 1 {
		return usageError(flags, "expected one of --all-users, --users and --histories")
	}
	if !isSet(flags, "model-dir") || !isSet(flags, "out") {
		return usageError(flags, "--model-dir and --out are needed")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	summary, err := predict(ctx, std, &a)
	if err != nil {
		return report(std, err)
	}
	result := std.out
	if descriptorOf(a.out) == 1 {
		result = std.err
	}
	if err := writeAll(result, []byte(summary+"\n")); err != nil {
		return report(std, err)
	}
	return 0
}

// predict answers all requests, in order, and returns a summary.
func predict(ctx context.Context, std streams, a *predictArgs) (string, error) {
	if err := checkTopN(a.topN); err != nil {
		return "", err
	}
	if err := a.checkColumns(); err != nil {
		return "", err
	}
	if a.threads < 1 {
		return "", fmt.Errorf("threads: expected an integer >= 1, got %d", a.threads)
	}
	if err := a.expectHistories(); err != nil {
		return "", err
	}
	now, err := a.timeOfRequests()
	if err != nil {
		return "", err
	}
	filter, err := a.catalogue.parseFilter()
	if err != nil {
		return "", err
	}
	if err := refuseClobber(a.out, [2]string{"--model-dir", a.modelDir}, [2]string{"--users", a.users},
		[2]string{"--histories", a.histories}, [2]string{"--include-items", a.includeItems},
		[2]string{"--exclude-items", a.excludeItems}, [2]string{"--include-pairs", a.includePairs},
		[2]string{"--exclude-pairs", a.excludePairs}, [2]string{"--filter", a.catalogue.filterPath()},
		[2]string{"--attributes", a.catalogue.attributes}); err != nil {
		return "", err
	}
	delimiter, err := findDelimiter(a.out, a.explain)
	if err != nil {
		return "", err
	}
	out, err := openOutput(a.out, std.out)
	if err != nil {
		return "", err
	}
	defer out.discard()
	// Untouched, it takes no memory, but the heap counts as larger, so that garbage is collected less often
	// while there is little.
	ballast := make([]byte, 16<<20)
	defer runtime.KeepAlive(ballast)
	p := &predictor{std: std, args: a, delimiter: delimiter, now: now, filter: filter}
	if p.model, err = a.catalogue.open(a.modelDir, p.input(a.catalogue.attributes)); err != nil {
		return "", err
	}
	defer p.model.Close()
	finished := make(chan error, 1)
	go func() { finished <- p.run(ctx, out) }()
	select {
	case err = <-finished:
	case <-ctx.Done(): // does not wait for the end of standard input
		err = p.interrupted()
	}
	if err != nil {
		return "", err
	}
	if err := out.publish(); err != nil {
		return "", err
	}
	return p.summary(), nil
}

// predictor holds what the steps of predict share.
type predictor struct {
	std    streams
	args   *predictArgs
	model  *mlcore.Model
	now    mlcore.Timestamp
	filter *mlcore.Filter
	lists  *mlcore.Prepared  // for most requests
	final  *mlcore.Prepared  // for histories whose weights are final
	filled *mlcore.Prepared  // for users that the model does not know
	userID []string          // of --users
	source *tables.Histories // of --histories

	delimiter byte // of rows, or 0 for JSON Lines
	packs     bool // whether the output is compressed

	count, short, unknownUsers, knownItems, unknownItems int
	examples                                             []string // of the unknown items, while none is known
	unknownFilters                                       []string // what the summary says of them
	pairs                                                []*pairFile
	asked                                                []string // some of the users, while pairs are read for them
}

func (p *predictor) input(path string) *tables.Input {
	return &tables.Input{
		Path: path, Format: p.args.format, Columns: p.args.columns, Delimiter: p.args.delimiter,
		FieldNames: p.args.fieldNames, Stdin: p.std.in,
		Note: p.std.note,
	}
}

// prepare reads the small tables.
func (p *predictor) prepare() (err error) {
	// Faulty ids are found here, even if no list is asked for.
	if _, _, err := p.model.ItemIndex(""); err != nil {
		return err
	}
	if err := noteFilter(p.std, p.model, p.filter); err != nil {
		return err
	}
	options := mlcore.RecommendOptions{
		IncludeSeen: p.args.includeSeen, Fill: p.args.fill != "", Explain: p.args.explain, Now: p.now,
		Filter: p.filter,
	}
	if p.args.includeItems != "" {
		if options.Include, err = p.readFilter(p.args.includeItems, "included"); err != nil {
			return err
		}
	}
	if p.args.excludeItems != "" {
		if options.Exclude, err = p.readFilter(p.args.excludeItems, "excluded"); err != nil {
			return err
		}
	}
	if p.args.histories == "" && !p.model.Manifest().WithUsers() {
		return &hinted{
			"users: expected a model with users, got one trained without",
			"give histories instead, --histories, or train without --without-users",
		}
	}
	include, err := p.readPairs(p.args.includePairs, "included")
	if err != nil {
		return err
	}
	exclude, err := p.readPairs(p.args.excludePairs, "excluded")
	if err != nil {
		return err
	}
	if p.lists, err = p.model.Prepare(options); err != nil {
		return err
	}
	options.Fill = true
	if p.filled, err = p.model.Prepare(options); err != nil {
		return err
	}
	p.lists, p.filled = p.lists.ByUser(include, exclude), p.filled.ByUser(include, exclude)
	if p.delimiter != 0 {
		p.lists, p.filled = p.lists.AsRows(p.delimiter), p.filled.AsRows(p.delimiter)
	}
	p.final = p.lists.WithFinalWeights()
	if p.args.users != "" {
		if p.userID, err = p.readUsers(); err != nil {
			return err
		}
	}
	return p.expectUsers()
}

// listRequest is one line to write.
type listRequest struct {
	userID string
	place  tables.HistoryPlace // of --histories, from where the answer gets the userID

	isSkipped bool // whether it gets no list; set by its answer
	end       int  // of its line in the text of the block, likewise
}

// requests gives all requests to a function, in order, until that returns an error.
func (p *predictor) requests(give func(listRequest) error) error {
	if p.args.histories != "" {
		return p.histories(give)
	}
	if p.args.users != "" {
		for _, id := range p.userID {
			if err := give(listRequest{userID: id}); err != nil {
				return err
			}
		}
		return nil
	}
	for index := 0; index < int(p.model.Manifest().Counts.Users); index++ {
		id, err := p.model.UserID(index)
		if err == nil {
			err = give(listRequest{userID: id})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// answerAll answers a block, up to the first request that fails; it is called from several goroutines.
func (p *predictor) answerAll(block *block) {
	for index := range block.requests {
		request := &block.requests[index]
		if block.err = p.answer(block, request); block.err != nil {
			break
		}
		request.end = len(block.text)
	}
	if p.packs {
		block.packed = deflate(block.packed, block.text)
	}
}

// answer writes the line of a request.
func (p *predictor) answer(block *block, request *listRequest) (err error) {
	n := int(p.args.topN)
	var line mlcore.Line
	if p.source != nil {
		line, err = p.answerHistory(block, request)
	} else {
		block.text, line, err = p.lists.AppendRecommend(block.text, request.userID, n)
		if mlcore.VerdictOf(err) == mlcore.VerdictUnknownUser {
			block.unknownUsers++
			if p.args.unknownUser == "skip" {
				request.isSkipped = true
				return nil
			}
			block.text, line, err = p.filled.AppendRecommendHistory(block.text, request.userID, nil, n)
		}
	}
	if err != nil {
		return err
	}
	block.lists++
	block.unknownItems += line.UnknownItems
	block.knownItems += line.KnownItems
	if block.knownItems == 0 {
		block.examples = addExamples(block.examples, block.history)
	}
	if line.Items < n {
		block.short++
	}
	return nil
}

// run writes all lists.
func (p *predictor) run(ctx context.Context, out *output) error {
	if err := p.prepare(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if p.delimiter != 0 {
		header := strings.Join(mlcore.RowColumns, string(p.delimiter)) + "\n"
		if _, err := out.Write([]byte(header)); err != nil {
			return err
		}
	}
	begin, last := time.Now(), time.Now()
	p.packs = out.zip != nil
	blocks := answerInOrder(ctx, p.args.threads, p.requests, p.answerAll)
	for block := range blocks.ordered {
		if !block.wait(ctx) {
			return p.interrupted()
		}
		p.expectOnce(block)
		// What was answered before a fault goes out first, as a reader of a pipe expects.
		if err := out.writeBlock(block); err != nil {
			return err
		}
		if block.err != nil {
			return block.err
		}
		p.noteAsked(block.requests)
		p.count += block.lists
		p.short += block.short
		p.unknownUsers += block.unknownUsers
		p.unknownItems += block.unknownItems
		if p.knownItems == 0 && len(p.examples) < maxExamples {
			p.examples = append(p.examples, block.examples...)
		}
		p.knownItems += block.knownItems
		blocks.reuse(block)
		if now := time.Now(); p.args.progress && now.Sub(last) > 2*time.Second {
			last = now
			fmt.Fprintf(p.std.err, "recommend: %d (%.0f s)\n", p.count, now.Sub(begin).Seconds())
		}
	}
	if ctx.Err() != nil {
		return p.interrupted()
	}
	if err := p.expectAsked(); err != nil {
		return err
	}
	return p.noteStrangeItems()
}

func (p *predictor) interrupted() error {
	if descriptorOf(p.args.out) == 1 {
		return errors.New("interrupted")
	}
	return errors.New("interrupted, nothing was written")
}

func (p *predictor) summary() string {
	parts := []string{fmt.Sprintf("%d lists", p.count)}
	if p.short > 0 {
		parts = append(parts, fmt.Sprintf("%d shorter than %d", p.short, p.args.topN))
	}
	if p.unknownUsers > 0 {
		parts = append(parts, fmt.Sprintf("%d unknown users", p.unknownUsers))
	}
	if p.unknownItems > 0 {
		parts = append(parts, fmt.Sprintf("%d unknown items passed over", p.unknownItems))
	}
	parts = append(parts, p.unknownFilters...)
	for _, pairs := range p.pairs {
		parts = append(parts, pairs.summary()...)
	}
	return strings.Join(parts, ", ")
}
