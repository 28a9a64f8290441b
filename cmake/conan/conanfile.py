# SPDX-License-Identifier: MIT
# The recipe for Conan 2, which packages the source tree that it lies in: conan create cmake/conan
import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, load

required_conan_version = ">=2.0"


class TimedConnectConan(ConanFile):
    name = "timed_connect"
    description = "Connects a socket before a deadline, and is exact about what happens when it cannot"
    license = "MIT"
    topics = ("network", "socket", "connect", "timeout", "deadline", "header-only")
    package_type = "header-library"
    settings = "os", "compiler", "build_type", "arch"
    no_copy_source = True

    @property
    def _tree(self):
        return os.path.join(self.recipe_folder, "..", "..")

    def set_version(self):
        header = load(self, os.path.join(self._tree, "include", "timed_connect", "detail", "config.hpp"))
        self.version = re.search(r'define TIMED_CONNECT_VERSION "(.*)"', header).group(1)

    def export_sources(self):
        for pattern in "include/*", "LICENSE":
            copy(self, pattern, src=self._tree, dst=self.export_sources_folder)

    def package_id(self):
        self.info.clear()

    def validate(self):
        check_min_cppstd(self, 20)

    def package(self):
        copy(self, "*.hpp", src=os.path.join(self.source_folder, "include"),
             dst=os.path.join(self.package_folder, "include"))
        copy(self, "LICENSE", src=self.source_folder, dst=os.path.join(self.package_folder, "licenses"))

    def package_info(self):
        # The names that the project's own CMake and pkg-config files have.
        self.cpp_info.set_property("cmake_file_name", "timed_connect")
        self.cpp_info.set_property("cmake_target_name", "timed_connect::timed_connect")
        self.cpp_info.set_property("pkg_config_name", "timed_connect")
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
        if self.settings.os == "Windows":
            self.cpp_info.system_libs = ["ws2_32"]
