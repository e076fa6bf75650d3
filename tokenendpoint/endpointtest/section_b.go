package endpointtest

var sectionB = []rule{}

var timedB = []rule{}
