package endpointtest

var sectionF = []rule{}

var timedF = []rule{}
