package endpointtest

var sectionA = []rule{}

var timedA = []rule{}
