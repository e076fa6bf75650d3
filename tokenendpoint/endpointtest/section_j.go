package endpointtest

var sectionJ = []rule{}

var timedJ = []rule{}
