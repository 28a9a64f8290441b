#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes the site, build/site/html/index.html: the documents and the reference as one.
set -eu
cd "$(dirname "$0")/.."
. cmake/install_missing.sh

require cmake=cmake doxygen=doxygen
exec cmake -D WORK_DIR=build/site -P cmake/site.cmake
