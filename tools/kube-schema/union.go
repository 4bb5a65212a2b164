package main

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// A union is a schema over all releases: the newest definition of everything that there ever was.
type union struct {
	schema
	conflicts []string
}

func newUnion() *union {
	return &union{schema: schema{map[string]*message{}, map[string]*kindLine{}}}
}

// successors are messages that took another's place in a field; the wire form stayed. What only the
// older one has stays readable in the newer one.
var successors = map[string]string{
	"admissionregistration/v1beta1.RuleWithOperations":       "admissionregistration/v1.RuleWithOperations",
	"admissionregistration/v1beta1.Webhook > mutating":       "admissionregistration/v1beta1.MutatingWebhook",
	"admissionregistration/v1beta1.Webhook > validating":     "admissionregistration/v1beta1.ValidatingWebhook",
	"core/v1.CinderVolumeSource":                             "core/v1.CinderPersistentVolumeSource",
	"core/v1.FlexVolumeSource":                               "core/v1.FlexPersistentVolumeSource",
	"core/v1.GlusterfsVolumeSource":                          "core/v1.GlusterfsPersistentVolumeSource",
	"core/v1.Handler > lifecycle":                            "core/v1.LifecycleHandler",
	"core/v1.Handler > probe":                                "core/v1.ProbeHandler",
	"core/v1.ISCSIVolumeSource":                              "core/v1.ISCSIPersistentVolumeSource",
	"core/v1.LoadBalancerStatus > extensions/v1beta1":        "extensions/v1beta1.IngressLoadBalancerStatus",
	"core/v1.LoadBalancerStatus > networking/v1":             "networking/v1.IngressLoadBalancerStatus",
	"core/v1.LoadBalancerStatus > networking/v1beta1":        "networking/v1beta1.IngressLoadBalancerStatus",
	"core/v1.RBDVolumeSource":                                "core/v1.RBDPersistentVolumeSource",
	"core/v1.ResourceRequirements":                           "core/v1.VolumeResourceRequirements",
	"core/v1.ScaleIOVolumeSource":                            "core/v1.ScaleIOPersistentVolumeSource",
	"core/v1.TypedLocalObjectReference > core/v1":            "core/v1.TypedObjectReference",
	"core/v1.TypedLocalObjectReference > networking/v1":      "networking/v1.IngressClassParametersReference",
	"core/v1.TypedLocalObjectReference > networking/v1beta1": "networking/v1beta1.IngressClassParametersReference",
	"meta/v1beta1.PartialObjectMetadata":                     "meta/v1.PartialObjectMetadata",
	"meta/v1beta1.TableOptions":                              "meta/v1.TableOptions",
}

func succeeds(old, now string) bool {
	for from, to := range successors {
		if to == now && strings.Split(from, " > ")[0] == old {
			return true
		}
	}
	return false
}

// respelt are fields whose name in JSON was wrong in a release.
var respelt = map[string]bool{"resource/v1alpha3.ResourceSliceList 1: listMeta -> metadata": true}

func (u *union) conflict(format string, args ...any) {
	u.conflicts = append(u.conflicts, fmt.Sprintf(format, args...))
}

// merge adds a release. Releases come oldest first.
func (u *union) merge(release string, s schema) {
	for key, line := range s.kinds {
		line.lifetime = lifetime{release, release}
		if old := u.kinds[key]; old != nil {
			line.since = old.since
			if old.message != line.message && !succeeds(old.message, line.message) {
				u.conflict("%s: kind %s was %s, is %s", release, key, old.message, line.message)
			}
		}
		u.kinds[key] = line
	}
	for name, m := range s.messages {
		m.lifetime = lifetime{release, release}
		for i := range m.fields {
			m.fields[i].lifetime = m.lifetime
		}
		if old := u.messages[name]; old != nil {
			m.since = old.since
			u.inherit(release, m, old)
		}
		u.messages[name] = m
	}
}

// inherit keeps what only the older definition has, each field behind its old neighbour. A number that
// was given another meaning would make old values lie, so that is a conflict.
func (u *union) inherit(release string, m, old *message) {
	for i, was := range old.fields {
		at := slices.IndexFunc(m.fields, func(f field) bool { return f.number == was.number })
		if at < 0 {
			place := 0
			if i > 0 {
				before := old.fields[i-1].number
				place = 1 + slices.IndexFunc(m.fields, func(f field) bool { return f.number == before })
			}
			m.fields = slices.Insert(m.fields, place, was)
			continue
		}
		is := &m.fields[at]
		is.since = was.since
		if special[m.name] {
			continue // its JSON form is its own
		}
		same := is.kind == was.kind || is.kind.shape == was.kind.shape && succeeds(was.kind.of, is.kind.of)
		if !same {
			u.conflict("%s: %s %d (%s) was %s, is %s", release, m.name, is.number, is.json, was.kind, is.kind)
		}
		change := fmt.Sprintf("%s %d: %s -> %s", m.name, is.number, was.json, is.json)
		if is.json != was.json && !respelt[change] {
			u.conflict("%s: %s", release, change)
		}
		if slices.Contains(is.flags, "inline") != slices.Contains(was.flags, "inline") {
			u.conflict("%s: %s %d moved in or out of its parent", release, m.name, is.number)
		}
	}
}

// succeed gives each successor the fields that only its predecessor has.
func (u *union) succeed() {
	pairs := make([]string, 0, len(successors))
	for from := range successors {
		pairs = append(pairs, from)
	}
	sort.Strings(pairs)
	for _, pair := range pairs {
		from, to := u.messages[strings.Split(pair, " > ")[0]], u.messages[successors[pair]]
		if from == nil || to == nil {
			continue
		}
		for _, was := range from.fields {
			at := slices.IndexFunc(to.fields, func(f field) bool { return f.number == was.number })
			if at >= 0 && to.fields[at].json != was.json {
				u.conflict("%s became %s, but %d was %s, is %s", from.name, to.name, was.number, was.json, to.fields[at].json)
			}
			if at < 0 {
				// As far as the successor goes it is gone, however long the predecessor has it.
				if was.last == from.last {
					was.last = to.since
				}
				to.fields = append(to.fields, was)
			}
		}
	}
}
