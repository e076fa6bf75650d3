package grants

import "slices"

// few is the largest number of strings that are compared one by one.
const few = 16

// set is a set of strings in the order in which they came. A long list is hashed, so
// that the work is in proportion to its length: a client can send a list of
// thousands, which is compared with other lists.
type set struct {
	list  []string
	index map[string]struct{} // nil as long as they are few
}

// setOf returns the set of the members of list. It keeps the list.
func setOf(list []string) (s set) {
	s.list = list
	s.hash()
	return s
}

func (s *set) has(member string) bool {
	if s.index != nil {
		_, ok := s.index[member]
		return ok
	}
	return slices.Contains(s.list, member)
}

// add adds a member, unless it is there.
func (s *set) add(member string) {
	if s.has(member) {
		return
	}
	s.list = append(s.list, member)
	if s.index == nil {
		s.hash()
		return
	}
	s.index[member] = struct{}{}
}

func (s *set) hash() {
	if len(s.list) <= few {
		return
	}
	s.index = make(map[string]struct{}, 2*len(s.list))
	for _, member := range s.list {
		s.index[member] = struct{}{}
	}
}

// Within returns the members of list that are in bound, each once and in the order of
// list. The strings are those of list. The result is list itself if all its members
// are in bound, each once: nobody may change it. Package tokenendpoint narrows scopes
// and audiences with it.
func Within(list, bound []string) []string {
	if len(list) > 0 && Subset(list, bound) && distinct(list) {
		return list[:len(list):len(list)]
	}
	kept, allowed := set{list: make([]string, 0, len(list))}, setOf(bound)
	for _, s := range list {
		if allowed.has(s) {
			kept.add(s)
		}
	}
	return kept.list
}

// Subset reports whether each member of list is in bound. Package tokenendpoint calls
// it to find out which bound a request exceeds.
func Subset(list, bound []string) bool {
	allowed := setOf(bound)
	return !slices.ContainsFunc(list, func(s string) bool { return !allowed.has(s) })
}

func distinct(list []string) bool {
	if s := setOf(list); s.index != nil {
		return len(s.index) == len(list)
	}
	for i, s := range list {
		if slices.Contains(list[:i], s) {
			return false
		}
	}
	return true
}
