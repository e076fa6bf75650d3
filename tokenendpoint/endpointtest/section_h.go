package endpointtest

var sectionH = []rule{}

var timedH = []rule{}
