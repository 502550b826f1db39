# What every target of ours is compiled with; third-party code is not touched by it.
include(CheckIPOSupported)
include(ZeroliteUnityBuild)
check_ipo_supported(RESULT ZEROLITE_IPO_SUPPORTED OUTPUT ZEROLITE_IPO_OUTPUT LANGUAGES CXX)

function(zerolite_target_options target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(
    ${target}
    PROPERTIES CXX_EXTENSIONS OFF
               POSITION_INDEPENDENT_CODE ON
               CXX_VISIBILITY_PRESET hidden
               VISIBILITY_INLINES_HIDDEN ON)
  target_compile_options(
    ${target}
    PRIVATE -Wall
            -Wextra
            -Wpedantic
            -Wshadow
            -Wconversion
            -Wsign-conversion
            -Wnon-virtual-dtor
            -Wold-style-cast
            -Wcast-qual
            $<$<BOOL:${ZEROLITE_WERROR}>:-Werror>)
  if(ZEROLITE_UNITY_BUILD)
    zerolite_unity_build(${target})
  endif()
  if(ZEROLITE_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${ZEROLITE_SANITIZE} -fno-omit-frame-pointer
                                             -fno-sanitize-recover=all)
    target_link_options(${target} PRIVATE -fsanitize=${ZEROLITE_SANITIZE})
  elseif(ZEROLITE_IPO_SUPPORTED AND CMAKE_BUILD_TYPE STREQUAL "Release")
    set_target_properties(${target} PROPERTIES INTERPROCEDURAL_OPTIMIZATION ON)
  endif()
endfunction()
