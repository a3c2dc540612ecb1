package main

import (
	"context"

	mlcore "github.com/mlcore/mlcore/interop/go"
)

const (
	// blockRequests is how many requests are answered in one go: enough to make handing them over cheap,
	// few enough to keep memory small and all cores busy at the end.
	blockRequests = 64
	// maxKeptText is the longest text whose memory is used again.
	maxKeptText = 1 << 22
)

// block is some requests and, once done is closed, their lines.
type block struct {
	requests []listRequest
	text     []byte
	packed   []byte // the text compressed, if it is to be
	err      error  // at the first request that failed; text holds the lines before it
	done     chan struct{}
	history  []mlcore.HistoryItem // of the request that is being answered

	lists, short, unknownUsers, knownItems, unknownItems int
	examples                                             []string // of the unknown items, while none is known
}

// blocks hands requests to several goroutines.
type blocks struct {
	ordered chan *block // in the order of the requests; the taker waits for each
	free    chan *block // that were taken, for later requests
}

// answerInOrder answers requests on several goroutines. At most two blocks a goroutine wait to be taken, so
// memory does not grow with the number of requests. The last block holds the error of requests, if
// any. Nothing goes on after the context has ended; the taker ends it when it stops early.
func answerInOrder(
	ctx context.Context, threads int,
	requests func(give func(listRequest) error) error, answer func(*block),
) *blocks {
	work := make(chan *block)
	b := &blocks{make(chan *block, 2*threads), make(chan *block, 2*threads)}
	for range threads {
		go func() {
			for block := range work {
				answer(block)
				close(block.done)
			}
		}()
	}
	go func() {
		defer close(b.ordered)
		defer close(work)
		current := b.next()
		send := func() error {
			for _, channel := range []chan *block{b.ordered, work} {
				select {
				case channel <- current:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			current = b.next()
			return nil
		}
		err := requests(func(request listRequest) error {
			current.requests = append(current.requests, request)
			if len(current.requests) < blockRequests {
				return nil
			}
			return send()
		})
		if ctx.Err() != nil || (len(current.requests) > 0 && send() != nil) || err == nil {
			return
		}
		current.err = err
		close(current.done)
		select {
		case b.ordered <- current:
		case <-ctx.Done():
		}
	}()
	return b
}

// next returns an empty block.
func (b *blocks) next() *block {
	select {
	case used := <-b.free:
		clear(used.requests)
		return &block{requests: used.requests[:0], text: used.text[:0], packed: used.packed[:0],
			history: used.history, done: make(chan struct{})}
	default:
		return &block{done: make(chan struct{})}
	}
}

// reuse takes the memory of a block that nobody looks at any more.
func (b *blocks) reuse(used *block) {
	if cap(used.text) > maxKeptText || cap(used.history) > maxKeptText>>6 {
		return
	}
	select {
	case b.free <- used:
	default:
	}
}

// wait returns once the block is done, and reports whether it is.
func (b *block) wait(ctx context.Context) bool {
	select {
	case <-b.done:
		return true
	case <-ctx.Done():
		return false
	}
}
