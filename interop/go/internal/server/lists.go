package server

import (
	"errors"
	"fmt"
	"math"
	"strings"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/jsontext"
)

// modelHeader names the model that gave an answer.
const modelHeader = "X-Model"

var userParameters = []parameter{
	paramN, paramInclude, paramExclude, paramFilter, paramIncludeSeen, paramFill, paramUnknownUser, paramExplain,
}

var itemParameters = []parameter{paramN, paramFilter}

func (s *Server) recommendUser(x *exchange) *fault {
	if expected, got := idFault(x.id); expected != "" {
		return badRequest("id", expected, got)
	}
	request, fault := parseQuery(x.request.URL.RawQuery, userParameters, &s.limits)
	if fault != nil {
		return fault
	}
	request.userID = x.id
	return s.withModel(x, func(p *publication) error { return x.listForUser(p, &request) }, "id")
}

func (s *Server) recommendBody(x *exchange) *fault {
	if _, fault := parseQuery(x.request.URL.RawQuery, nil, &s.limits); fault != nil {
		return fault
	}
	text, fault := readBody(x.writer, x.request, &s.limits)
	if fault != nil {
		return fault
	}
	request, fault := parseBody(text, &s.limits)
	if fault != nil {
		return fault
	}
	if request.history == nil {
		return s.withModel(x, func(p *publication) error { return x.listForUser(p, &request) }, "user_id")
	}
	return s.withModel(x, func(p *publication) error { return x.listForHistory(p, &request) }, "history")
}

func (s *Server) similar(x *exchange) *fault {
	if expected, got := idFault(x.id); expected != "" {
		return badRequest("id", expected, got)
	}
	request, fault := parseQuery(x.request.URL.RawQuery, itemParameters, &s.limits)
	if fault != nil {
		return fault
	}
	request.options.Counts = &x.line
	return s.withModel(x, func(p *publication) error {
		items, err := p.model.SimilarWith(x.id, request.n, request.options)
		if err != nil {
			return err
		}
		x.body = append(x.body, `{"item_id": `...)
		x.body = mlcore.AppendString(x.body, x.id)
		x.body = append(x.body, ", "...)
		x.body = appendItems(x.body, items)
		return nil
	}, "id")
}

// withModel lets the current model answer; it is released before anything is sent, so that no slow
// client keeps an old model in memory.
func (s *Server) withModel(x *exchange, answer func(*publication) error, field string) *fault {
	p := s.models.acquire()
	if p == nil {
		return unavailable()
	}
	defer p.release()
	x.writer.Header()[modelHeader] = []string{p.name()}
	if p.damaged.Load() {
		return internalFault()
	}
	err := answer(p)
	s.metrics.lists.observe(x, mlcore.VerdictOf(err))
	if err == nil {
		return nil
	}
	var refusal *mlcore.Error
	if errors.As(err, &refusal) {
		switch refusal.Verdict {
		case mlcore.VerdictUnknownUser:
			return newFault(codeUnknownUser, field, refusal.Expected, refusal.Got)
		case mlcore.VerdictUnknownItem:
			return newFault(codeUnknownItem, field, refusal.Expected, refusal.Got)
		case mlcore.VerdictRequest:
			return requestFault(refusal)
		case mlcore.VerdictIO:
			s.models.replaceDamaged(p, err)
			return internalFault()
		}
	}
	s.log.Error("faulty model", "model", p.name(), "verdict", mlcore.VerdictOf(err), "error", err.Error())
	return internalFault()
}

// requestFault names the field of a body; where the model refuses what a step makes of the history, the
// item goes into the rule.
func requestFault(refusal *mlcore.Error) *fault {
	if key, isFilter := strings.CutPrefix(refusal.Name, "filter: "); isFilter {
		return badRequest("filter."+key, refusal.Expected, refusal.Got)
	}
	if _, item, isItem := strings.Cut(refusal.Name, ": "); isItem {
		return badRequest("history", "of "+item+" "+refusal.Expected, refusal.Got)
	}
	return badRequest(refusal.Name, refusal.Expected, refusal.Got)
}

func unavailable() *fault {
	return newFault(codeUnavailable, "", "a model", "none: the server starts or stops")
}

// listForUser writes what a file of predictions has for the user.
func (x *exchange) listForUser(p *publication, r *listRequest) error {
	err := x.appendLine(p, r,
		func(m *mlcore.Model) ([]mlcore.Item, error) { return m.Recommend(r.userID, r.n, r.options) },
		func(lists *mlcore.Prepared) (err error) {
			x.body, x.line, err = lists.AppendRecommend(x.body, r.userID, r.n)
			return err
		})
	if !r.fillUnknown || mlcore.VerdictOf(err) != mlcore.VerdictUnknownUser {
		return err
	}
	r.options.Fill, x.isUnknown = true, true
	x.body = x.body[:0]
	return x.appendLine(p, r,
		func(m *mlcore.Model) ([]mlcore.Item, error) { return m.RecommendHistory(nil, r.n, r.options) },
		func(lists *mlcore.Prepared) (err error) {
			x.body, x.line, err = lists.AppendRecommendHistory(x.body, r.userID, nil, r.n)
			return err
		})
}

// appendLine lets the lists that are prepared answer, or else the model.
func (x *exchange) appendLine(
	p *publication, r *listRequest, ask func(*mlcore.Model) ([]mlcore.Item, error), write func(*mlcore.Prepared) error,
) error {
	if o := &r.options; o.Include == nil && len(o.Exclude) == 0 && o.Filter == nil {
		return write(p.prepared[listForm(o)])
	}
	r.options.Counts = &x.line
	items, err := ask(p.model)
	if err == nil {
		x.body = mlcore.AppendPrediction(x.body, r.userID, items)
	}
	return err
}

func (x *exchange) listForHistory(p *publication, r *listRequest) error {
	if r.options.FinalWeights || !p.model.Manifest().WithHistoryRule() {
		if err := checkFinal(r.history); err != nil {
			return err
		}
	}
	r.options.Counts = &x.line
	items, err := p.model.RecommendHistory(r.history, r.n, r.options)
	if err != nil {
		return err
	}
	x.body = append(x.body, '{')
	x.body = appendItems(x.body, items)
	return nil
}

// checkFinal refuses a weight that is final and does not fit, by its place in the body.
func checkFinal(history []mlcore.HistoryItem) error {
	for position := range history {
		weight := history[position].Weight
		if single := float32(weight); !(single > 0 && single <= math.MaxFloat32) {
			return &mlcore.Error{
				Verdict: mlcore.VerdictRequest, Stage: mlcore.StagePredict,
				Name:     fmt.Sprintf("history[%d].weight", position),
				Expected: "a number above 0 that is finite and above 0 as a float32", Got: jsontext.PythonFloat(weight),
			}
		}
	}
	return nil
}

// appendItems appends the rest of an answer: the list as in a file of predictions, and the end.
func appendItems(dst []byte, items []mlcore.Item) []byte {
	dst = append(dst, `"items": `...)
	dst = mlcore.AppendItems(dst, items)
	return append(dst, "}\n"...)
}
