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
	query := x.request.URL.RawQuery
	if fault := x.admitText(len(query)); fault != nil {
		return fault
	}
	request, fault := parseQuery(query, userParameters, &s.limits)
	if fault != nil {
		return fault
	}
	request.userID = x.id
	return s.withModel(x, func(p *publication) error { return x.listForUser(p, &request) }, "id")
}

func (s *Server) recommendBody(x *exchange) *fault {
	query := x.request.URL.RawQuery
	if fault := x.admitText(len(query)); fault != nil {
		return fault
	}
	if _, fault := parseQuery(query, nil, &s.limits); fault != nil {
		return fault
	}
	x.leave() // or a slow body would keep others waiting
	text, fault := x.readBody(&s.limits)
	if fault != nil {
		return fault
	}
	if fault := x.admitText(len(text)); fault != nil {
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
	query := x.request.URL.RawQuery
	if fault := x.admitText(len(query)); fault != nil {
		return fault
	}
	request, fault := parseQuery(query, itemParameters, &s.limits)
	if fault != nil {
		return fault
	}
	return s.withModel(x, func(p *publication) error {
		items, err := p.model.SimilarWith(x.id, request.n, x.guarded(&request))
		x.body = append(x.body, `{"item_id": `...)
		x.body = mlcore.AppendString(x.body, x.id)
		x.body = append(x.body, ", "...)
		return x.take(items, err)
	}, "id")
}

// guarded returns the options of a request that this exchange watches over.
func (x *exchange) guarded(r *listRequest) mlcore.RecommendOptions {
	options := r.options
	options.MaxShares, options.Guard, options.Counts = maxShares, x, &x.line
	return options
}

// take ends an answer with a list, which is written as it is sent.
func (x *exchange) take(items []mlcore.Item, err error) error {
	x.body = append(x.body, `"items": `...)
	if x.items = items; items == nil {
		x.items = []mlcore.Item{}
	}
	return err
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
	if fault, isFault := err.(*fault); isFault {
		return fault // of this server, not of the model
	}
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

// listForUser makes what a file of predictions has for the user.
func (x *exchange) listForUser(p *publication, r *listRequest) error {
	err := x.listOfModel(p, r)
	if !r.fillUnknown || mlcore.VerdictOf(err) != mlcore.VerdictUnknownUser {
		return err
	}
	r.options.Fill, x.isUnknown = true, true
	items, err := p.model.RecommendHistory(nil, r.n, x.guarded(r))
	return x.takeOfUser(r, items, err)
}

// listOfModel lets the lists that are prepared answer, or else the model.
func (x *exchange) listOfModel(p *publication, r *listRequest) (err error) {
	if o := &r.options; o.Include == nil && len(o.Exclude) == 0 && o.Filter == nil && !o.Explain {
		x.body, x.line, err = p.prepared[listForm(o)].Under(x).AppendRecommend(x.body, r.userID, r.n)
		return err
	}
	items, err := p.model.Recommend(r.userID, r.n, x.guarded(r))
	return x.takeOfUser(r, items, err)
}

func (x *exchange) takeOfUser(r *listRequest, items []mlcore.Item, err error) error {
	x.body = append(x.body[:0], `{"user_id": `...)
	x.body = mlcore.AppendString(x.body, r.userID)
	x.body = append(x.body, ", "...)
	return x.take(items, err)
}

func (x *exchange) listForHistory(p *publication, r *listRequest) error {
	if r.options.FinalWeights || !p.model.Manifest().WithHistoryRule() {
		if err := checkFinal(r.history); err != nil {
			return err
		}
	}
	items, err := p.model.RecommendHistory(r.history, r.n, x.guarded(r))
	x.body = append(x.body, '{')
	return x.take(items, err)
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
